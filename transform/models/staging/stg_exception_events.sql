{{ config(materialized='table', unique_key=[]) }}

{{ operations('exception_events') }}
