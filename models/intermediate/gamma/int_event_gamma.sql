with

strikes as (
    select * from {{ ref('int_event_strikes') }}
),

-- USD of delta per 1 % move; the numbers in the names count strikes.
int_event_gamma as (
    select
        event_id,
        {%- for n in [1, 2, 3] %}
        {{ band_sum('oi_gex', strikes_above(n)) }} as gex_above_{{ n }}strike,
        {{ band_sum('oi_gex', strikes_below(n)) }} as gex_below_{{ n }}strike,
        {%- endfor %}
        {%- for right, name in [('C', 'call'), ('P', 'put')] %}
        {%- for n in [1, 2, 3] %}
        {{ band_sum('oi_gex', strikes_above(n) ~ ' and "right" = ' ~ "'" ~ right ~ "'") }}
            as {{ name }}_gex_above_{{ n }}strike,
        {{ band_sum('oi_gex', strikes_below(n) ~ ' and "right" = ' ~ "'" ~ right ~ "'") }}
            as {{ name }}_gex_below_{{ n }}strike,
        {%- endfor %}
        {%- endfor %}
        {%- for n in [2, 3] %}
        {{ band_sum('oi_gex', strikes_around(n)) }} as net_gex_{{ n }}strike,
        {%- endfor %}
        gex_above_3strike - gex_below_3strike as gex_asymmetry,
        gex_above_3strike / nullif(abs(gex_below_3strike), 0) as gex_ratio,
        {%- for n in [1, 2, 3] %}
        {{ band_sum('flow_gex', strikes_above(n)) }} as flow_gex_above_{{ n }}strike,
        {{ band_sum('flow_gex', strikes_below(n)) }} as flow_gex_below_{{ n }}strike,
        {%- endfor %}
        {%- for n in [2, 3] %}
        {{ band_sum('flow_gex', strikes_around(n)) }} as flow_net_gex_{{ n }}strike,
        {%- endfor %}
        flow_gex_above_3strike - flow_gex_below_3strike as flow_gex_asymmetry
    from strikes
    group by event_id
)

select * from int_event_gamma
