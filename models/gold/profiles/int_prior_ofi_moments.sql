with

earlier as (
    select * from {{ ref('int_prior_sessions') }}
),

moments as (
    select * from {{ ref('stg_silver__ofi_moments') }}
),

-- Sums of doubles in one order, so that the last digit does not depend on threads.
int_prior_ofi_moments as (
    select
        earlier.session_date,
        moments.m,
        moments.n,
        coalesce(sum(moments.total order by earlier.prior_date), 0) as total
    from earlier
    inner join moments on earlier.prior_date = moments.session_date
    group by earlier.session_date, moments.m, moments.n
)

select * from int_prior_ofi_moments
order by session_date, m, n
