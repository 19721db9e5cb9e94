{#- Whether windows, multiples and kinds of level are those whose columns the YAML lists: they are part of
    the columns' names, so a contract can only hold for these. -#}
{% macro columns_are_described() %}
    {{ return(
        var('kinematics_windows_s') == [10, 60, 180]
        and var('ofi_windows_s') == [60, 240]
        and var('premium_windows_s') == [60, 240]
        and var('scaled_barriers') == [0.5, 1.0]
        and level_kinds() | map(attribute='kind') | list
            == ['PM_HIGH', 'PM_LOW', 'OR_HIGH', 'OR_LOW', 'SMA_200', 'SMA_400']
    ) }}
{% endmacro %}
