with

partitions as (
    select * from {{ ref('stg_bronze__partitions') }}
),

definitions as (
    select * from {{ ref('int_latest_definitions') }}
),

records as (
    select * from {{ ref('int_instrument_counts') }}
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
