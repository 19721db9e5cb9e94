with

session as (
    select * from {{ ref('int_session') }}
),

moves as (
    select * from {{ ref('int_book_moves') }}
),

best_levels as (
    select * from {{ ref('int_best_levels') }}
),

-- The first state from the open on need not have moved a price.
opening as (
    select min(ts_ns) as ts_ns
    from best_levels
),

mids as (
    select
        greatest(moves.ts_ns, opening.ts_ns) as ts_ns,
        moves.row_nr,
        case
            when moves.prices[1] < moves.prices[2]
                then round((moves.prices[1] + moves.prices[2]) * 1e9)::bigint
        end as doubled_mid_nano
    from moves
    inner join session on moves.ts_ns <= session.event_end_ns
    cross join opening
    where opening.ts_ns is not null
),

-- Between two moves no price changes, so the last move is what the last row of its time shows.
int_future_mids as (
    select
        ts_ns,
        arg_max_null(doubled_mid_nano, row_nr) as doubled_mid_nano
    from mids
    group by ts_ns
)

select * from int_future_mids
order by ts_ns
