with

session as (
    select * from {{ ref('int_session') }}
),

partitions as (
    select * from {{ ref('stg_bronze__partitions') }}
),

volumes as (
    select * from {{ ref('int_outright_volumes') }}
),

entries as (
    select * from {{ ref('int_events') }}
),

traded as (
    select sum(window_volume) as window_volume
    from volumes
),

-- Unknown where there is no cash session, or no trades were ever asked for.
counted as (
    select
        case
            when session.has_rth and session.has_futures_trades
                then coalesce(traded.window_volume, 0)
        end as window_volume,
        (select count(*) from entries) as event_count
    from session
    cross join traded
),

int_gate_inputs as (
    select
        'bronze_is_whole' as gate,
        (count(*) filter (status not in ('ok', 'missing')))::double as measured,
        0::double as threshold,
        min(feed || ' of ' || trade_date || ': ' || problem) filter (
            status not in ('ok', 'missing')
        ) as detail
    from partitions
    union all
    select
        'window_has_trades' as gate,
        window_volume::double as measured,
        {{ 0 if var('publish_empty') else 1 }}::double as threshold,
        null::varchar as detail
    from counted
    union all
    select
        'trades_make_events' as gate,
        case when window_volume > 0 then event_count end::double as measured,
        {{ 0 if var('publish_empty') else 1 }}::double as threshold,
        null::varchar as detail
    from counted
)

select * from int_gate_inputs
