with

session as (
    select * from {{ ref('int_session') }}
),

partitions as (
    select * from {{ ref('stg_bronze__partitions') }}
),

definitions as (
    select * from {{ ref('int_latest_definitions') }}
),

records as (
    {%- for feed, model in [
        ('futures/trades', 'stg_databento__futures_trades'),
        ('futures/mbp10', 'stg_databento__futures_mbp10'),
        ('options/trades', 'stg_databento__options_trades'),
        ('options/nbbo', 'stg_databento__options_nbbo'),
        ('options/statistics', 'stg_databento__options_statistics'),
    ] %}
    select
        '{{ feed }}' as feed,
        trade_date,
        instrument_id,
        symbol,
        count(*) as record_count
    from {{ ref(model) }}
    group by trade_date, instrument_id, symbol
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

-- Without a definition partition nothing can be said of definitions.
asked as (
    select split_part(feed, '/', 1) as market
    from partitions
    where feed like '%/definition' and status = 'ok'
),

int_defined_shares as (
    select
        records.feed,
        sum(records.record_count) filter (definitions.instrument_id is not null)
        / sum(records.record_count) as defined_share
    from records
    inner join session on records.trade_date = session.session_date
    inner join asked on split_part(records.feed, '/', 1) = asked.market
    left join definitions
        on
            split_part(records.feed, '/', 1) = definitions.market
            and records.instrument_id = definitions.instrument_id
            and records.symbol = definitions.symbol
    group by records.feed
)

select * from int_defined_shares
order by feed
