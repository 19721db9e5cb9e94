with

session as (
    select * from {{ ref('int_session') }}
),

bars as (
    select * from {{ ref('int_bars_2m') }}
),

-- Closes are multiples of a quarter, so a window's sum is exact and only the division rounds.
averages as (
    {%- for bar_count in [200, 400] %}
    select
        'SMA_{{ bar_count }}' as level_kind,
        sum(close) over last_bars / {{ bar_count }} as level_price,
        bar_end_ns as valid_from_ns,
        lead(bar_end_ns) over (order by bar_end_ns) as next_bar_end_ns
    from bars
    window
        last_bars as (order by bar_end_ns {{ last_rows(bar_count) }})
    qualify count(*) over last_bars = {{ bar_count }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

intervals as (
    select
        averages.level_kind,
        averages.level_price,
        averages.valid_from_ns,
        coalesce(averages.next_bar_end_ns, session.trade_date_end_ns) as valid_to_ns
    from averages
    cross join session
    where session.has_rth
),

-- Of the trade dates before, only the average that still holds when this one opens.
int_levels_sma as (
    select intervals.*
    from intervals
    cross join session
    where
        intervals.valid_to_ns > session.trade_date_start_ns
        and intervals.valid_to_ns > intervals.valid_from_ns
)

select * from int_levels_sma
