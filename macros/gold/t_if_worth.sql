{#- A t of a gain, but where that is below 1e-4 of the baseline's loss: a t has no size of its own. -#}
{% macro t_if_worth(gain, t) -%}
    case when abs({{ gain }}) >= 1e-4 * log_loss_null_calibrated then {{ t }} end
{%- endmacro %}
