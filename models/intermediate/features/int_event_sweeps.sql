with

trades as (
    select * from {{ ref('int_event_tape_trades') }}
),

neighbours as (
    select
        event_id,
        trade_nr,
        price,
        size,
        aggressor_side,
        coalesce(
            aggressor_side <> lag(aggressor_side) over in_order
            or ts_ns - lag(ts_ns) over in_order > {{ var('sweep_max_gap_ms') }} * 1000000::bigint,
            true
        ) as starts_run
    from trades
    where is_near
    window in_order as (partition by event_id order by trade_nr)
),

numbered as (
    select
        *,
        count(*) filter (starts_run) over (partition by event_id order by trade_nr) as run_nr
    from neighbours
),

-- One side without a long pause, enough of it, through more than one price. Trades without a side
-- make runs of their own here, which end the others and are then left out.
sweeps as (
    select
        event_id,
        run_nr,
        sum(if(aggressor_side = 'B', size, -size)) as net_size
    from numbered
    where aggressor_side in ('A', 'B')
    group by event_id, run_nr
    having sum(size) >= {{ var('sweep_min_size') }} and count(distinct price) >= 2
),

int_event_sweeps as (
    select
        event_id,
        count(*) as sweep_count,
        sum(net_size)::bigint as sweep_net_size
    from sweeps
    group by event_id
)

select * from int_event_sweeps
