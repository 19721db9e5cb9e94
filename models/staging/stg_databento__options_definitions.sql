with

source as (
    select * from {{ source('bronze', 'options_definition') }}
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
        instrument_class,
        user_defined_instrument,
        expiration as expiration_ns,
        underlying,
        strike_price as strike_price_nano,
        strike_price / 1e9 as strike_price,
        unit_of_measure_qty / 1e9 as multiplier
    from source
)

select * from renamed
