{#- The classes of all targets. -#}
{% macro score_classes() %}
    {{ return(['break', 'bounce', 'chop', 'yes', 'no']) }}
{% endmacro %}
