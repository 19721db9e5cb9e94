with

source as (
    select * from {{ source('bronze', 'options_nbbo') }}
),

renamed as (
    select
        -- session
        "date" as trade_date,

        -- order
        ts_recv as ts_ns,
        row_nr,
        ts_event as ts_event_ns,

        -- instrument
        instrument_id::bigint as instrument_id,
        symbol,

        -- action; one-second quotes have none
        action,

        -- quote; the fixed-point integers stay because the intrinsic test must be exact
        bid_px_00 as bid_price_nano,
        ask_px_00 as ask_price_nano,
        bid_px_00 / 1e9 as bid_price,
        flags::integer as flags
    from source
)

select * from renamed
