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
        * exclude (prices, sizes, ofi, voi, price_flows, quotes, zone_flows, steps)
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

window_cells as (
    select
        windows.anchor_ts_ns,
        windows.window_s,
        cells.*
    from windows
    inner join boundaries
        on
            windows.anchor_ts_ns - windows.window_s * 1000000000::bigint < boundaries.boundary_ns
            and windows.anchor_ts_ns >= boundaries.boundary_ns
    inner join cells on boundaries.boundary_nr = cells.cell_nr
),

sums as (
    select
        anchor_ts_ns,
        window_s,
        {%- for level in book_levels() %}
        coalesce(sum(ofi_{{ level }}), 0)::bigint as ofi_{{ level }},
        coalesce(sum(voi_{{ level }}), 0)::bigint as voi_{{ level }},
        {%- endfor %}
        {%- for side, levels, multiple in [
            ('bid', 10, 2520), ('ask', 10, 2520), ('both', 20, 232792560)
        ] %}
        (
            coalesce(sum({{ side }}_full_sum), 0) / {{ levels }}
            + sum({{ side }}_partial_sum)::double / {{ multiple }}
        ) / nullif(sum({{ side }}_row_count), 0) as {{ side }}_size_per_level,
        {%- endfor %}
        sum(row_count)::bigint as row_count,
        sum(spread_nano_sum) / nullif(sum(spread_row_count), 0) / 1e9 as mean_spread
    from window_cells
    group by anchor_ts_ns, window_s
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
