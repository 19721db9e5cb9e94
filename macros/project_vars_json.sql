{#- Every var that decides a number, as one JSON object: part of a build's fingerprint. -#}
{% macro project_vars_json() -%}
    {%- set values = {} -%}
    {%- for name in project_var_names() -%}
        {%- do values.update({name: var(name)}) -%}
    {%- endfor -%}
    {{ tojson(values, sort_keys=true) | replace("'", "''") }}
{%- endmacro %}

{#- Their names; a test keeps this list equal to dbt_project.yml. session_date is the key of the
    build, not a choice. -#}
{% macro project_var_names() %}
    {{ return([
        'trade_date_start', 'trade_date_end', 'premarket_start', 'rth_start', 'rth_end',
        'opening_range_minutes', 'event_end', 'fixed_front_month',
        'dominance_threshold', 'sma_warmup_days', 'atr_bars',
        'volatility_bars', 'zone_min_width', 'zone_atr_multiple', 'zone_rearm_multiple',
        'kinematics_windows_s', 'approach_lookback_minutes', 'ofi_windows_s', 'ofi_level_decay',
        'ofi_near_level_scale', 'tape_window_s', 'tape_band', 'sweep_max_gap_ms', 'sweep_min_size',
        'barrier_zone_ticks', 'barrier_window_s', 'wall_baseline_s', 'barrier_vacuum_ratio',
        'barrier_wall_ratio', 'barrier_absorption_ratio', 'barrier_delta_large',
        'barrier_delta_small', 'barrier_churn_active', 'barrier_weak_depth', 'force_mass_scale',
        'force_mass_min_marks', 'risk_free_rate', 'iv_min', 'iv_max', 'strike_spacing',
        'fuel_strike_range', 'fuel_threshold_contracts_per_point', 'coverage_min_share',
        'book_max_gap_s', 'book_max_crossed_share', 'book_max_bad_share', 'late_after_ms',
        'max_late_share', 'min_defined_share', 'min_iv_known_share',
        'parity_max_age_s', 'min_parity_share', 'min_open_interest_share', 'min_sided_share', 'horizon_minutes', 'outcome_threshold',
        'strength_threshold',
    ]) }}
{% endmacro %}
