{{ config(materialized='table', unique_key=['connection', 'load_id']) }}

-- dlt records a load here once all its files are in place; rows of any other load do not count
with recorded as (
    {{ no_rows({'connection': 'string', 'load_id': 'string', 'status': 'bigint', 'completed_at': 'timestamp'}) }}
    {%- for names in var('connections', {}).values() %}{% for name in names if '_dlt_loads' in var('landed', {}).get(name, []) %}
    union all by name
    select '{{ name }}' as connection, load_id, status, cast(inserted_at as timestamp) as completed_at
    from read_json(
        '{{ var("landing") | replace("'", "''") }}/{{ name }}/_dlt_loads/*.jsonl', format = 'newline_delimited',
        columns = {load_id: 'varchar', status: 'bigint', inserted_at: 'timestamptz'}
    )
    {%- endfor %}{% endfor %}
)

select connection, load_id, max(completed_at) as completed_at
from recorded
where status = 0
group by connection, load_id
