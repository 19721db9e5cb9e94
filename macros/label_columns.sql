{#- The columns of a published label, of an event or of a placebo. -#}
{% macro label_columns() -%}
    -- keys
    event_id,
    session_date,

    -- outcome
    outcome,
    future_price,
    excursion_max,
    excursion_min,
    strength_signed,
    strength_abs,

    -- times from the anchor, seconds
    time_to_break_1,
    time_to_break_2,
    time_to_bounce_1,
    time_to_bounce_2,
    time_to_threshold_1,
    time_to_threshold_2,
    tradeable_1,
    tradeable_2,

    -- null model
    null_p_break,
    null_p_bounce,
    null_p_chop,
    null_p_tradeable_1,

    -- barriers in units of volatility, excursions in units of the ATR
    {{ scaled_columns() }},
    mfe_atr,
    mae_atr,

    -- sample weight and provenance
    uniqueness,
    label_end_ts_ns,
    label_first_source_ts_ns,
    label_last_source_ts_ns
{%- endmacro %}

{#- The columns of the labels at barriers in units of volatility, for each of `scaled_barriers`. -#}
{% macro scaled_columns() -%}
    {%- for multiple in list_var('scaled_barriers') %}
    {%- set x = '%03d' | format((100 * (multiple | float)) | round | int) %}
    {%- if not loop.first %},
    {% endif -%}
    scaled_barrier_{{ x }},
    scaled_outcome_{{ x }},
    scaled_time_{{ x }},
    scaled_null_p_break_{{ x }},
    scaled_null_p_bounce_{{ x }},
    scaled_null_p_chop_{{ x }}
    {%- endfor %}
{%- endmacro %}
