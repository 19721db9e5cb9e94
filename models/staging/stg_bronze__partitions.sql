with

source as (
    select * from {{ source('bronze', 'partitions') }}
),

renamed as (
    select
        feed,
        root,
        trade_date,
        status,
        problem,
        made_from,
        sha256
    from source
)

select * from renamed
