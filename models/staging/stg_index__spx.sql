with

source as (
    select * from {{ source('bronze', 'index_spx') }}
),

renamed as (
    select
        "date" as trade_date,
        ts_recv as ts_ns,
        row_nr,
        price / 1e9 as price
    from source
)

select * from renamed
