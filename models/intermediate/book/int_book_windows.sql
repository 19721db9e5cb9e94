{%- set summed = ['row_count', 'spread_row_count', 'spread_nano_sum'] -%}
{%- for side in ['bid', 'ask', 'both'] -%}
    {%- do summed.extend([side ~ '_row_count', side ~ '_full_sum', side ~ '_partial_sum']) -%}
{%- endfor -%}
{%- for level in book_levels() -%}
    {%- do summed.extend(['ofi_' ~ level, 'voi_' ~ level]) -%}
{%- endfor -%}

with

events as (
    select * from {{ ref('int_events') }}
),

states as (
    select distinct tau_ns from {{ ref('int_level_states') }}
),

minutes as (
    select * from {{ ref('int_clock_minutes') }}
),

steps as (
    select * from {{ ref('int_grid_steps') }}
),

boundaries as (
    select * from {{ ref('int_book_boundaries') }}
),

cells as (
    select
        *
        {%- for level in book_levels() %},
        ofi[{{ loop.index }}] as ofi_{{ level }},
        voi[{{ loop.index }}] as voi_{{ level }}
        {%- endfor %}
    from {{ ref('int_book_cells') }}
),

windows as (
    select distinct
        event_ts_ns as anchor_ts_ns,
        unnest([
            60,
            {%- for window in list_var('ofi_windows_s') %}
            {{ window }},
            {%- endfor %}
            {{ var('wall_baseline_s') }}
        ]) as window_s
    from events
    union
    select
        tau_ns as anchor_ts_ns,
        unnest([60, {{ list_var('ofi_windows_s') | join(', ') }}]) as window_s
    from states
    union
    select
        mark_ns as anchor_ts_ns,
        60 as window_s
    from minutes
    union
    select
        grid_end_ns as anchor_ts_ns,
        {{ var('state_cadence_s') }} as window_s
    from steps
    where has_book_columns
),

-- Over a window each is what it has come to by its end less what it was
-- at its start: exact, because all are whole numbers.
totals as (
    select
        boundaries.boundary_ns,
        {%- for name in summed %}
        coalesce(sum(cells.{{ name }}) over so_far, 0) as {{ name }},
        {%- endfor %}
        count(cells.cell_nr) over so_far as cell_count
    from boundaries
    left join cells on boundaries.boundary_nr = cells.cell_nr
    window so_far as (order by boundaries.boundary_nr rows unbounded preceding)
),

window_sums as (
    select
        windows.anchor_ts_ns,
        windows.window_s
        {%- for name in summed %},
        at_end.{{ name }} - coalesce(at_start.{{ name }}, 0) as {{ name }}
        {%- endfor %}
    from windows
    asof inner join totals as at_end on windows.anchor_ts_ns >= at_end.boundary_ns
    asof left join totals as at_start
        on windows.anchor_ts_ns - windows.window_s * 1000000000::bigint >= at_start.boundary_ns
    where at_end.cell_count > coalesce(at_start.cell_count, 0)
),

sums as (
    select
        anchor_ts_ns,
        window_s,
        {%- for level in book_levels() %}
        ofi_{{ level }}::bigint as ofi_{{ level }},
        voi_{{ level }}::bigint as voi_{{ level }},
        {%- endfor %}
        {%- for side, levels, multiple in [
            ('bid', 10, 2520), ('ask', 10, 2520), ('both', 20, 232792560)
        ] %}
        ({{ side }}_full_sum / {{ levels }} + {{ side }}_partial_sum::double / {{ multiple }})
        / nullif({{ side }}_row_count, 0) as {{ side }}_size_per_level,
        {%- endfor %}
        row_count::bigint as row_count,
        spread_nano_sum / nullif(spread_row_count, 0) / 1e9 as mean_spread
    from window_sums
),

-- Weights of the integrated imbalances fall exponentially with depth and add up to one.
int_book_windows as (
    select
        anchor_ts_ns,
        window_s,
        {%- for imbalance in ['ofi', 'voi'] %}
        {{ imbalance }}_00 as {{ imbalance }}_best,
        (
            {%- for level in book_levels() %}
            {{ '+ ' if not loop.first }}exp(-{{ var('ofi_level_decay') }} * {{ loop.index0 }})
            * {{ imbalance }}_{{ level }}
            {%- endfor %}
        ) / (
            {%- for level in book_levels() %}
            {{ '+ ' if not loop.first }}exp(-{{ var('ofi_level_decay') }} * {{ loop.index0 }})
            {%- endfor %}
        ) as {{ imbalance }}_integrated,
        {%- endfor %}
        {%- for level in book_levels() %}
        ofi_{{ level }} as ofi_level_{{ '%02d' | format(loop.index) }},
        {%- endfor %}
        bid_size_per_level,
        ask_size_per_level,
        both_size_per_level,
        row_count,
        mean_spread
    from sums
)

select * from int_book_windows
order by anchor_ts_ns, window_s
