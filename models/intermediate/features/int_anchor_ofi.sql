with

anchors as (
    select * from {{ ref('int_anchors') }}
),

windows as (
    select * from {{ ref('int_book_windows') }}
),

int_anchor_ofi as (
    select
        anchors.anchor_id,
        {%- for window in list_var('ofi_windows_s') %}
        window_{{ window }}.ofi_best as ofi_best_{{ window }}s,
        window_{{ window }}.ofi_integrated as ofi_integrated_{{ window }}s,
        window_{{ window }}.ofi_integrated
        / nullif(window_{{ window }}.both_size_per_level, 0) as ofi_normalized_{{ window }}s,
        sign(window_{{ window }}.ofi_integrated)
        * ln(1 + abs(window_{{ window }}.ofi_integrated)) as ofi_imbalance_{{ window }}s,
        window_{{ window }}.voi_best as voi_best_{{ window }}s,
        window_{{ window }}.voi_integrated as voi_integrated_{{ window }}s,
        {%- endfor %}
        {%- for level in range(1, 11) %}
        minute.ofi_level_{{ '%02d' | format(level) }} as ofi_level_{{ '%02d' | format(level) }}_60s,
        {%- endfor %}

        -- The last minute's flow pushes in the direction of approach what is displayed.
        anchors.dir_sign * minute.ofi_integrated / 60 as force,
        minute.both_size_per_level as mass
    from anchors
    {%- for window in list_var('ofi_windows_s') %}
    left join windows as window_{{ window }}
        on
            anchors.anchor_ts_ns = window_{{ window }}.anchor_ts_ns
            and window_{{ window }}.window_s = {{ window }}
    {%- endfor %}
    left join windows as minute
        on
            anchors.anchor_ts_ns = minute.anchor_ts_ns
            and minute.window_s = 60
)

select * from int_anchor_ofi
