{#- The kinematics that are features: those over 60 s are made in any case, for force and mass. -#}
{% macro kinematics_columns(relation) -%}
    {{ relation }}.position
    {%- for h in list_var('kinematics_windows_s') %}
    {%- for motion in ['velocity', 'acceleration', 'jerk', 'kinetic_energy', 'is_decelerating'] %},
    {{ relation }}.{{ motion }}_{{ h }}s
    {%- endfor %}
    {%- endfor %}
{%- endmacro %}
