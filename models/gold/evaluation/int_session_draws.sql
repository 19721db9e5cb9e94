{%- set resamples = 2000 -%}
{%- set seed = 7 -%}

with

sessions as (
    select * from {{ ref('int_session_gains') }}
    where stratum_kind = 'all'
),

most as (
    select count(distinct session_date) as sessions
    from sessions
),

-- The same on every machine; of fewer sessions the first so many places are taken.
int_session_draws as (
    select
        resamples.resample,
        places.place,
        ('0x' || left(md5('{{ seed }}|' || resamples.resample || '|' || places.place), 8))::bigint
            as number
    from range(1, {{ resamples + 1 }}) as resamples (resample)
    cross join most
    cross join range(most.sessions) as places (place)
)

select * from int_session_draws
order by resample, place
