with

earlier as (
    select * from {{ ref('int_prior_sessions') }}
),

counts as (
    select * from {{ ref('stg_silver__microprice_counts') }}
    where abs(dh) <= 4
),

-- A market turned upside down is as likely: each step counts with its mirror image.
mirrored as (
    select
        session_date,
        i_from,
        spread_from,
        dh,
        i_to,
        spread_to,
        n
    from counts
    union all
    select
        session_date,
        11 - i_from as i_from,
        spread_from,
        -dh as dh,
        11 - i_to as i_to,
        spread_to,
        n
    from counts
),

int_prior_microprice_counts as (
    select
        earlier.session_date,
        mirrored.i_from,
        mirrored.spread_from,
        mirrored.dh,
        mirrored.i_to,
        mirrored.spread_to,
        sum(mirrored.n)::bigint as n
    from earlier
    inner join mirrored on earlier.prior_date = mirrored.session_date
    group by all
)

select * from int_prior_microprice_counts
order by session_date, i_from, spread_from, dh, i_to, spread_to
