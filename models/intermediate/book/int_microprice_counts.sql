with

best_levels as (
    select * from {{ ref('int_best_levels') }}
),

-- One number for spread, mid and imbalance, so that one column streams through the window below: a
-- clear or a snapshot is -1, whatever it shows, and a row that is no state is left out.
states as (
    select
        case
            when is_reset then -1
            when spread_ticks between 1 and 2 and bid_size > 0 and ask_size > 0
                then
                    mid_half_ticks * 64
                    + spread_ticks * 16
                    + (10 * bid_size + bid_size + ask_size - 1) // (bid_size + ask_size)
        end as state
    from best_levels
),

-- In the order of the file, which is that of time (gate files_lie_in_time_order).
steps as (
    select
        state,
        lag(state) over () as earlier
    from states
    where state is not null
),

int_microprice_counts as (
    select
        earlier % 16 as i_from,
        earlier // 16 % 4 as spread_from,
        state // 64 - earlier // 64 as dh,
        state % 16 as i_to,
        state // 16 % 4 as spread_to,
        count(*) as n
    from steps
    where
        earlier >= 0
        and state >= 0
        and state <> earlier
    group by all
)

select * from int_microprice_counts
order by i_from, spread_from, dh, i_to, spread_to
