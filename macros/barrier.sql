{#- How far a level's barrier reaches: in price to both sides of the level, index points, and back in
    time from the event. The query joins int_session as session. -#}
{% macro barrier_reach() -%}
    ({{ var('barrier_zone_ticks') }} * session.tick_size_points)
{%- endmacro %}

{% macro barrier_window_ns() -%}
    ({{ var('barrier_window_s') }} * 1000000000::bigint)::bigint
{%- endmacro %}
