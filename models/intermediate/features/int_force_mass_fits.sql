with

forces as (
    select * from {{ ref('int_minute_forces') }}
),

sums as (
    select
        mark_ns,
        {%- for motion in ['acceleration', 'velocity'] %}
        count({{ motion }} * force_mass_ratio) over so_far as {{ motion }}_count,
        sum(if({{ motion }} is null, null, force_mass_ratio ** 2)) over so_far as {{ motion }}_xx,
        sum({{ motion }} * force_mass_ratio) over so_far as {{ motion }}_xy,
        sum(if(force_mass_ratio is null, null, {{ motion }} ** 2)) over so_far
            as {{ motion }}_yy{{ ',' if not loop.last }}
        {%- endfor %}
    from forces
    window so_far as (order by mark_ns rows between unbounded preceding and current row)
),

-- Least squares through the origin; NULL until there are enough minute marks.
int_force_mass_fits as (
    select
        mark_ns,
        {%- for motion in ['acceleration', 'velocity'] %}
        case
            when {{ motion }}_count >= {{ var('force_mass_min_marks') }} and {{ motion }}_xx > 0
                then {{ motion }}_xy / {{ motion }}_xx
        end as {{ motion }}_k,
        1 - ({{ motion }}_yy - {{ motion }}_k * {{ motion }}_xy)
        / nullif({{ motion }}_yy, 0) as {{ motion }}_r2{{ ',' if not loop.last }}
        {%- endfor %}
    from sums
)

select * from int_force_mass_fits
order by mark_ns
