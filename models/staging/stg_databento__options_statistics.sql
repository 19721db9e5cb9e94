with

source as (
    select * from {{ source('bronze', 'options_statistics') }}
),

renamed as (
    select
        -- session
        "date" as trade_date,

        -- order
        ts_recv as ts_ns,
        row_nr,

        -- instrument
        instrument_id::bigint as instrument_id,
        symbol,

        -- statistic
        stat_type::integer as stat_type,
        quantity,
        price / 1e9 as price,
        ts_ref as ts_ref_ns
    from source
)

select * from renamed
