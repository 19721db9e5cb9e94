with

session as (
    select * from {{ ref('int_session') }}
),

volumes as (
    select * from {{ ref('int_outright_volumes') }}
),

ranked as (
    select
        symbol,
        window_volume,
        row_number() over (
            order by
                symbol = '{{ var("fixed_front_month") }}' desc,
                window_volume desc,
                expiration_ns asc,
                symbol asc
        ) as volume_rank
    from volumes
    where window_volume > 0 or symbol = '{{ var("fixed_front_month") }}'
),

window_volumes as (
    select
        max(symbol) filter (volume_rank = 1) as front_month,
        max(window_volume) filter (volume_rank = 1) as front_month_volume,
        max(symbol) filter (volume_rank = 2) as runner_up_symbol,
        max(window_volume) filter (volume_rank = 2) as runner_up_volume,
        nullif(sum(window_volume)::bigint, 0) as outright_volume,
        count(*) filter (window_volume > 0) as contract_count
    from ranked
),

overnight as (
    select symbol as causal_front_month
    from volumes
    where overnight_volume > 0
    order by overnight_volume desc, expiration_ns asc, symbol asc
    limit 1
),

int_front_month as (
    select
        session.session_date,
        {%- if var('fixed_front_month') %}
        -- Another contract under the name of the one that was asked for would say what is not so.
        case
            when window_volumes.front_month = '{{ var("fixed_front_month") }}'
                then window_volumes.front_month
            else error(
                'fixed_front_month {{ var("fixed_front_month") }} is no outright that traded on '
                || session.session_date || '; there are '
                || coalesce((select string_agg(symbol, ', ' order by symbol) from volumes), 'none')
            )
        end as front_month,
        {%- else %}
        window_volumes.front_month,
        {%- endif %}
        window_volumes.front_month_volume,
        window_volumes.front_month_volume / window_volumes.outright_volume as dominance_ratio,
        window_volumes.runner_up_symbol,
        window_volumes.runner_up_volume / window_volumes.outright_volume as runner_up_ratio,
        -- No trades partition: how many contracts traded is unknown, not nought.
        case when session.has_futures_trades then window_volumes.contract_count end
            as contract_count,
        window_volumes.front_month_volume / window_volumes.outright_volume
        < {{ var('dominance_threshold') }} as is_roll_contaminated,
        overnight.causal_front_month
    from session
    cross join window_volumes
    left join overnight on true
)

select * from int_front_month
