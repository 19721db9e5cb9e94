with

sessions as (
    select * from {{ ref('stg_silver__sessions') }}
),

int_gold_sessions as (
    select
        session_date,
        rth_start_ns,
        row_number() over (order by session_date) as session_nr
    from sessions
    where has_rth
)

select * from int_gold_sessions
order by session_date
