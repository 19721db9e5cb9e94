with

session as (
    select * from {{ ref('int_session') }}
),

partitions as (
    select * from {{ ref('stg_bronze__partitions') }}
),

checks as (
    select * from {{ ref('int_feed_checks') }}
),

defined as (
    select * from {{ ref('int_defined_shares') }}
),

options as (
    select * from {{ ref('int_option_checks') }}
),

int_bronze_quality as (
    select
        -- keys
        session.session_date,
        partitions.feed,

        -- partition
        partitions.status as partition_status,
        partitions.problem as partition_problem,
        partitions.made_from,

        -- records
        checks.row_count,
        checks.first_ts_ns,
        checks.last_ts_ns,
        checks.min_price,
        checks.max_price,
        checks.longest_gap_s,
        checks.duplicate_count,
        checks.out_of_order_count,
        checks.crossed_share,
        checks.bad_book_share,
        checks.late_share,
        checks.sided_share,
        defined.defined_share,

        -- options, shares of option minutes
        options.* exclude (session_date)
    from partitions
    inner join session on partitions.trade_date = session.session_date
    left join checks
        on
            partitions.feed = checks.feed
            and partitions.status = 'ok'
    left join defined on partitions.feed = defined.feed
    left join options
        on
            partitions.feed = 'options/nbbo'
            and partitions.status = 'ok'
            and partitions.trade_date = options.session_date
)

select * from int_bronze_quality
order by feed
