with

session as (
    select * from {{ ref('int_session') }}
),

-- Every kind that the project knows, whether or not this session has levels of it.
int_level_kinds as (
    {%- for kind in level_kinds() %}
    select
        '{{ kind.kind }}' as level_kind,
        {{ sql_text(kind.extreme) }} as extreme,
        {%- for time in ['from', 'to', 'valid_from'] %}
        {{ session_time_ns(kind[time], 'session') if kind.extreme else 'null' }}::bigint
            as {{ time }}_ns,
        {%- endfor %}
        {{ kind.bar_count or 'null' }}::bigint as bar_count
    from session
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select * from int_level_kinds
order by level_kind
