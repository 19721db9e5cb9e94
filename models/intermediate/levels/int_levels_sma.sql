with

session as (
    select * from {{ ref('int_session') }}
),

kinds as (
    select * from {{ ref('int_level_kinds') }}
),

bars as (
    select
        bar_end_ns,
        close,
        row_number() over (order by bar_end_ns) as bar_nr,
        lead(bar_end_ns) over (order by bar_end_ns) as next_bar_end_ns
    from {{ ref('int_bars_2m') }}
),

-- Of the trade dates before, only the interval that still holds when this one opens.
intervals as (
    select
        bars.bar_nr,
        bars.bar_end_ns as valid_from_ns,
        coalesce(bars.next_bar_end_ns, session.trade_date_end_ns) as valid_to_ns
    from bars
    cross join session
    where
        session.has_rth
        and valid_to_ns > session.trade_date_start_ns
        and valid_to_ns > valid_from_ns
),

-- Closes are multiples of a quarter, so their sum is exact and only the division rounds.
int_levels_sma as (
    select
        kinds.level_kind,
        sum(bars.close) / kinds.bar_count as level_price,
        intervals.valid_from_ns,
        intervals.valid_to_ns
    from kinds
    inner join intervals on kinds.bar_count <= intervals.bar_nr
    inner join bars
        on bars.bar_nr between intervals.bar_nr - kinds.bar_count + 1 and intervals.bar_nr
    group by
        kinds.level_kind, kinds.bar_count, intervals.valid_from_ns, intervals.valid_to_ns
)

select * from int_levels_sma
