{#- Which earlier entry an exit takes from, the latest first. Only the arithmetic belongs here; what enters and leaves is the caller's. -#}

{#-
  Common table expressions, `<name>_taken` the last: one row a pair of exit and entry with what was taken, and one a pair with what could have
  been: exit_key, entry_key, quantity taken (0 where only possible), remaining (what the entry still had at that moment), wanted.

  `moves`: a relation with move_key, stack_key, is_exit, quantity (positive), moved_at. Moves of one stack_key pile up in the order of time, an entry
  before an exit of the same moment. The height of the pile after each move is its running sum, lifted where it would fall below nothing: an exit that
  finds too little takes what there is. An entry lies between the heights before and after it; what is left of it later is what lies
  below the lowest height since. So nothing is taken twice, and more than entered is never taken.
-#}
{% macro latest_first(name, moves) %}
{{ name }}_sums as (
    select
        *,
        sum(case when is_exit then -quantity else quantity end) over (
            partition by stack_key order by moved_at, is_exit, move_key rows between unbounded preceding and current row) as balance,
        row_number() over (partition by stack_key order by moved_at, is_exit, move_key) as place
    from {{ moves }}
    where quantity > 0 and moved_at is not null
),

{{ name }}_lows as (
    select
        *,
        least(cast(0 as {{ sql_type('decimal') }}), min(balance) over (
            partition by stack_key order by place rows between unbounded preceding and current row)) as low
    from {{ name }}_sums
),

{{ name }}_heights as (
    select
        *,
        balance - low as height_after,
        lag(balance - low, 1, cast(0 as {{ sql_type('decimal') }})) over (partition by stack_key order by place) as height_before
    from {{ name }}_lows
),

{{ name }}_pairs as (
    select
        leaving.move_key as exit_key,
        leaving.quantity as wanted,
        leaving.height_before as exit_top,
        leaving.height_after as exit_bottom,
        earlier.move_key as entry_key,
        earlier.is_exit,
        earlier.height_before as entry_bottom,
        least(earlier.height_after, min(earlier.height_after) over (
            partition by leaving.stack_key, leaving.place order by earlier.place desc rows between unbounded preceding and current row)) as entry_top
    from {{ name }}_heights as leaving
    inner join {{ name }}_heights as earlier on leaving.stack_key = earlier.stack_key and leaving.place > earlier.place
    where leaving.is_exit
),

{{ name }}_taken as (
    select
        exit_key,
        entry_key,
        wanted,
        greatest(cast(0 as {{ sql_type('decimal') }}), least(entry_top, exit_top) - greatest(entry_bottom, exit_bottom)) as quantity,
        entry_top - entry_bottom as remaining
    from {{ name }}_pairs
    where not is_exit and entry_top > entry_bottom
)
{%- endmacro %}
