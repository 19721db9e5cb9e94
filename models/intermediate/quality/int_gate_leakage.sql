with

session as (
    select * from {{ ref('int_session') }}
),

bars as (
    select
        int_bars_1m.*,
        row_number() over (order by int_bars_1m.bar_start_ns) as bar_nr
    from {{ ref('int_bars_1m') }} as int_bars_1m
    inner join session on int_bars_1m.bar_start_ns >= session.rth_start_ns and session.has_rth
),

changes as (
    select
        bars.bar_nr,
        bars.bar_end_ns,
        bars.close - previous.close as change,
        greatest(bars.high, coalesce(previous.close, bars.high))
        - least(bars.low, coalesce(previous.close, bars.low)) as true_range
    from bars
    left join bars as previous on bars.bar_nr = previous.bar_nr + 1
),

-- Each bar anew from the bars of the regular session alone.
expected as (
    select
        this.bar_end_ns,
        this.true_range,
        avg(past.true_range) filter (
            past.bar_nr > this.bar_nr - {{ var('atr_bars') }}
        ) as atr,
        stddev_samp(past.change) filter (
            past.bar_nr > this.bar_nr - {{ var('volatility_bars') }}
        ) as rth_volatility
    from changes as this
    inner join changes as past on this.bar_nr >= past.bar_nr
    group by all
),

found as (
    select * from {{ ref('int_rth_volatility') }}
),

compared as (
    select
        bar_end_ns,
        (
            found.true_range is distinct from expected.true_range
            or abs(found.atr - expected.atr) > 1e-9
            or (found.atr is null) <> (expected.atr is null)
            or abs(found.rth_volatility - expected.rth_volatility) > 1e-9
            or (found.rth_volatility is null) <> (expected.rth_volatility is null)
        ) is true as is_wrong
    from found
    full join expected using (bar_end_ns)
),

int_gate_leakage as (
    select
        'no_premarket_bar_in_volatility' as gate,
        count_if(is_wrong)::double as measured,
        0::double as threshold,
        'bar that ends at ' || min(bar_end_ns) filter (is_wrong) as detail
    from compared
    having count(*) > 0
)

select * from int_gate_leakage
