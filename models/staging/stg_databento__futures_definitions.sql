with

source as (
    select * from {{ source('bronze', 'futures_definition') }}
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
        expiration as expiration_ns
    from source
)

select * from renamed
