{{ config(materialized='table', unique_key=[]) }}

{{ operations('crosswalk_seen') }}
