{#- Whether the windows are those whose columns the YAML of the features lists: their lengths are part
    of the columns' names, so a contract can only hold for these. -#}
{% macro windows_are_described() %}
    {{ return(
        var('kinematics_windows_s') == [10, 60, 180] and var('ofi_windows_s') == [60, 240]
    ) }}
{% endmacro %}
