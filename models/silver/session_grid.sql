{%- set step_ns = var('state_cadence_s') ~ ' * 1000000000::bigint' -%}

with

session as (
    select * from {{ ref('int_session') }}
),

steps as (
    select * from {{ ref('int_grid_steps') }}
),

prices as (
    select * from {{ ref('int_front_prices') }}
),

trades as (
    select * from {{ ref('int_front_trades') }}
),

windows as (
    select * from {{ ref('int_book_windows') }}
),

seconds as (
    select
        grid_start_ns,
        unnest(range(grid_start_ns, grid_end_ns + 1, 1000000000)) as second_ns
    from steps
),

second_prices as (
    select
        seconds.grid_start_ns,
        seconds.second_ns,
        prices.price,
        prices.price - lag(prices.price) over (
            partition by seconds.grid_start_ns order by seconds.second_ns
        ) as change
    from seconds
    asof left join prices on seconds.second_ns >= prices.ts_ns
),

-- A price that is known once is known from then on.
paths as (
    select
        grid_start_ns,
        last(price order by second_ns) as close,
        case
            when first(price order by second_ns) is not null
                then sum(change ** 2 order by second_ns)
        end as realized_variance
    from second_prices
    group by grid_start_ns
),

traded as (
    select
        session.grid_start_ns
        + (trades.ts_ns - session.grid_start_ns - 1) // ({{ step_ns }}) * {{ step_ns }}
            as grid_start_ns,
        sum(trades.size)::bigint as volume,
        count(*) as trade_count,
        sum(
            case trades.aggressor_side
                when 'B' then trades.size
                when 'A' then -trades.size
                else 0
            end
        )::bigint as signed_volume
    from trades
    inner join session on trades.ts_ns > session.grid_start_ns
    group by all
),

-- Without a trade nothing was traded, where trades are known at all; so with rows of the book.
session_grid as (
    select
        session.session_date,
        steps.grid_start_ns,
        steps.grid_end_ns,
        paths.close,
        {%- for sum in ['volume', 'trade_count', 'signed_volume'] %}
        case when session.has_futures_trades then coalesce(traded.{{ sum }}, 0) end as {{ sum }},
        {%- endfor %}
        windows.both_size_per_level as mean_depth,
        windows.mean_spread / session.tick_size_points as mean_spread_ticks,
        case
            when session.has_futures_book and steps.has_book_columns
                then coalesce(windows.row_count, 0)
        end as book_rows,
        windows.ofi_best,
        paths.realized_variance
    from steps
    inner join paths using (grid_start_ns)
    left join traded using (grid_start_ns)
    left join windows
        on
            steps.has_book_columns
            and steps.grid_end_ns = windows.anchor_ts_ns
            and windows.window_s = {{ var('state_cadence_s') }}
    cross join session
)

select * from session_grid
order by grid_start_ns
