{#- How far a level's barrier reaches: in price to both sides of the level, index points, and back in
    time from the event. The query joins int_session as session. -#}
{% macro barrier_reach() -%}
    ({{ var('barrier_zone_ticks') }} * session.tick_size_points)
{%- endmacro %}

{% macro barrier_window_ns() -%}
    ({{ var('barrier_window_s') }} * 1000000000::bigint)::bigint
{%- endmacro %}
{#- How many buckets the barrier's window has. They are counted back from the anchor, so that the oldest
    is shorter where the window is no multiple of them. -#}
{% macro replenishment_buckets() -%}
    ceil({{ var('barrier_window_s') }} / {{ var('replenishment_bucket_s') }})::bigint
{%- endmacro %}

{#- The length of a bucket, nanoseconds. -#}
{% macro replenishment_bucket_ns() -%}
    ({{ var('replenishment_bucket_s') }} * 1000000000::bigint)::bigint
{%- endmacro %}

{#- The bucket, 1 the oldest, of a time in the window before an anchor. -#}
{% macro replenishment_bucket(anchor_ns, ns) -%}
    ({{ replenishment_buckets() }} - ({{ anchor_ns }} - {{ ns }}) // {{ replenishment_bucket_ns() }})
{%- endmacro %}
