with

session as (
    select * from {{ ref('int_session') }}
),

minutes as (
    select * from {{ ref('int_clock_minutes') }}
),

windows as (
    select * from {{ ref('int_book_windows') }}
),

-- Flow of a minute at each level, by what is displayed at one.
imbalances as (
    select
        minutes.mark_ns,
        unnest(range(1, 11)) as level_nr,
        unnest([
            {%- for level in book_levels() %}
            windows.ofi_level_{{ '%02d' | format(loop.index) }}{{ ',' if not loop.last }}
            {%- endfor %}
        ]) / windows.both_size_per_level as imbalance
    from minutes
    inner join windows
        on
            minutes.mark_ns = windows.anchor_ts_ns
            and windows.window_s = 60
            and windows.both_size_per_level > 0
),

-- Sums in a fixed order, so that the last digit does not depend on threads.
totals as (
    select
        0 as m,
        0 as n,
        count(distinct mark_ns)::double as total
    from imbalances
    union all
    select
        level_nr as m,
        0 as n,
        sum(imbalance order by mark_ns) as total
    from imbalances
    group by level_nr
    union all
    select
        these.level_nr as m,
        those.level_nr as n,
        sum(these.imbalance * those.imbalance order by these.mark_ns) as total
    from imbalances as these
    inner join imbalances as those using (mark_ns)
    group by these.level_nr, those.level_nr
),

places as (
    select
        0 as m,
        0 as n
    union all
    select
        rows_of.m,
        unnest(range(0, 11)) as n
    from (select unnest(range(1, 11)) as m) as rows_of
),

ofi_moments as (
    select
        session.session_date,
        places.m::bigint as m,
        places.n::bigint as n,
        totals.total
    from places
    left join totals using (m, n)
    cross join session
)

select * from ofi_moments
order by m, n
