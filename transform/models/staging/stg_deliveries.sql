{{ config(materialized='table', unique_key=[]) }}

{{ operations('deliveries') }}
