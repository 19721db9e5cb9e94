{#- The columns of a published zone entry, of a level or of a placebo, from the relations `entries`,
    `clock` and `front_month` of the query. -#}
{% macro entry_columns() -%}
    -- keys
    entries.event_id,
    entries.session_date,
    entries.event_ts_ns,
    {{ new_york_timestamp('entries.event_ts_ns') }} as event_ts_et,
    front_month.front_month as contract,

    -- level
    entries.level_kind,
    entries.level_price,
    entries.direction,
    entries.dir_sign,

    -- state at the anchor, points
    entries.spot,
    entries.zone_width,
    entries.atr,
    entries.rth_volatility,

    -- session clock
    clock.minutes_since_open,
    clock.bars_since_open,
    clock.session_phase,
    clock.is_first_15m
{%- endmacro %}
