with

source as (
    select * from {{ source('bronze', 'futures_trades') }}
),

renamed as (
    select
        -- session
        "date" as trade_date,

        -- order
        ts_recv as ts_ns,
        row_nr,
        ts_event as ts_event_ns,
        sequence::bigint as sequence,

        -- instrument
        instrument_id::bigint as instrument_id,
        symbol,

        -- trade
        price / 1e9 as price,
        size::bigint as size,
        side as aggressor_side,
        flags::integer as flags
    from source
)

select * from renamed
