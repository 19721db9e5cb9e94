with

session as (
    select * from {{ ref('int_session') }}
),

future_mids as (
    select * from {{ ref('int_future_mids') }}
),

spx as (
    select * from {{ ref('stg_index__spx') }}
),

implied_prices as (
    select * from {{ ref('int_implied_prices') }}
),

-- Whole numbers, each series in its own unit.
observations as (
    select
        'future' as series,
        ts_ns,
        doubled_mid_nano as price_units
    from future_mids
    union all
    select
        'spx' as series,
        spx.ts_ns,
        round(arg_max_null(spx.price, spx.row_nr) * 1e9)::bigint as price_units
    from spx
    inner join session
        on
            spx.trade_date = session.session_date
            and spx.ts_ns >= session.rth_start_ns
            and spx.ts_ns <= session.event_end_ns
    group by spx.ts_ns
    union all
    select
        'implied' as series,
        ts_ns,
        price_quarter_nanos as price_units
    from implied_prices
),

-- A price that is still the same is no change; the first of a series is where it starts.
int_lead_lag_prices as (
    select *
    from observations
    where price_units is not null
    qualify
        price_units is distinct from
        lag(price_units) over (partition by series order by ts_ns)
)

select * from int_lead_lag_prices
order by series, ts_ns
