with

clock as (
    select * from {{ ref('int_session_clock') }}
),

partitions as (
    select * from {{ ref('stg_bronze__partitions') }}
),

specs as (
    select * from {{ ref('contract_specs') }}
),

feeds as (
    select
        trade_date,
        max(root) as product_root,
        bool_or(feed = 'futures/trades' and status = 'ok') as has_futures_trades,
        bool_or(feed = 'futures/mbp10' and status = 'ok') as has_futures_book,
        bool_or(feed = 'futures/definition' and status = 'ok') as has_futures_definitions,
        bool_or(feed = 'options/trades' and status = 'ok') as has_options_trades,
        bool_or(feed = 'options/definition' and status = 'ok') as has_options_definitions,
        bool_or(feed = 'options/nbbo' and status = 'ok') as has_options_quotes,
        bool_or(feed = 'index/spx' and status = 'ok') as has_spx
    from partitions
    group by trade_date
),

int_session as (
    select
        clock.trade_date as session_date,
        clock.* exclude (trade_date),
        feeds.product_root,
        specs.tick_size_points,
        specs.option_multiplier,
        feeds.has_futures_trades,
        feeds.has_futures_book,
        feeds.has_futures_definitions,
        feeds.has_options_trades,
        feeds.has_options_definitions,
        feeds.has_options_quotes,
        feeds.has_spx
    from clock
    inner join feeds using (trade_date)
    -- What the product is stays with the session: the seed knows other products too.
    left join specs on feeds.product_root = specs.root
    where clock.trade_date = date '{{ session_date() }}'
)

select * from int_session
