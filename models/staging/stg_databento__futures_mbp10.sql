with

source as (
    select * from {{ source('bronze', 'futures_mbp10') }}
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

        -- action
        action,
        side,
        price / 1e9 as price,
        size::bigint as size,
        flags::integer as flags,

        -- book, best level first; sizes as Bronze stores them, for the pass over all
        {%- for level in book_levels() %}
        bid_px_{{ level }} / 1e9 as bid_px_{{ level }},
        ask_px_{{ level }} / 1e9 as ask_px_{{ level }},
        bid_sz_{{ level }},
        ask_sz_{{ level }}{{ ',' if not loop.last }}
        {%- endfor %}
    from source
)

select * from renamed
