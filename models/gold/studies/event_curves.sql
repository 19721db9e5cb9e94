{{ config(schema='gold', access='public') }}

{%- set measures = ['move', 'signed_volume'] %}

with

entries as (
    select
        *,
        dense_rank() over (order by stratum, is_placebo, session_date) as group_nr
    from {{ ref('int_gold_entries') }}
),

paths as (
    select * from {{ ref('stg_silver__event_paths') }}
),

groups as (
    select distinct
        group_nr,
        is_placebo,
        unnest(['ALL', stratum]) as stratum,
        session_date
    from entries
),

-- Prices have nine decimals and volumes are whole: these sums are exact. Millions of rows are
-- grouped by numbers, which takes a tenth of the time that names do.
sums as (
    select
        entries.group_nr,
        paths.offset_s,
        sum(paths.move::decimal(18, 9)) as sum_move,
        sum(paths.signed_volume) as sum_signed_volume,
        {%- for measure in measures %}
        count(paths.{{ measure }}) as {{ measure }}_events{{ ',' if not loop.last }}
        {%- endfor %}
    from paths
    inner join entries using (event_id)
    group by entries.group_nr, paths.offset_s
),

with_all as (
    select
        groups.stratum,
        groups.is_placebo,
        sums.offset_s,
        groups.session_date,
        {%- for measure in measures %}
        sum(sums.sum_{{ measure }}) as sum_{{ measure }},
        sum(sums.{{ measure }}_events) as {{ measure }}_events{{ ',' if not loop.last }}
        {%- endfor %}
    from sums
    inner join groups using (group_nr)
    group by groups.stratum, groups.is_placebo, sums.offset_s, groups.session_date
),

means as (
    select
        stratum,
        is_placebo,
        offset_s,
        {%- for measure in measures %}
        sum({{ measure }}_events)::bigint as {{ measure }}_events,
        count_if({{ measure }}_events > 0) as {{ measure }}_sessions,
        sum(sum_{{ measure }})::double / nullif(sum({{ measure }}_events), 0) as {{ measure }}
        {{- ',' if not loop.last }}
        {%- endfor %}
    from with_all
    group by stratum, is_placebo, offset_s
),

residuals as (
    select
        means.*,
        {%- for measure in measures %}
        with_all.sum_{{ measure }}::double - means.{{ measure }} * with_all.{{ measure }}_events
            as {{ measure }}_residual{{ ',' if not loop.last }}
        {%- endfor %}
    from with_all
    inner join means using (stratum, is_placebo, offset_s)
),

-- Entries of a session see one market: their errors go together.
event_curves as (
    select
        stratum,
        is_placebo,
        offset_s,
        {%- for measure in measures %}
        any_value({{ measure }}) as {{ measure }},
        sqrt(
            any_value({{ measure }}_sessions) / nullif(any_value({{ measure }}_sessions) - 1, 0)
            * {{ exact_sum(measure ~ '_residual * ' ~ measure ~ '_residual') }}::double
        ) / any_value({{ measure }}_events) as {{ measure }}_se,
        any_value({{ measure }}_events) as {{ measure }}_events{{ ',' if not loop.last }}
        {%- endfor %}
    from residuals
    group by stratum, is_placebo, offset_s
)

select * from event_curves
order by stratum, is_placebo, offset_s
