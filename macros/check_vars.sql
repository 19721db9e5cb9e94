{#- Stops the run, before it reads or writes anything, if a var of the command line is not declared in
    dbt_project.yml or is not what its comment there says. Nothing of a var reaches SQL before. -#}
{% macro check_vars() %}
    {%- set given = {} -%}
    {%- for name, value in (invocation_args_dict.get('vars') or {}).items() -%}
        {#- A date is no JSON; everything else that YAML gives is. -#}
        {%- set is_json = value is none or value is number or value is string or value is mapping
            or value is sequence -%}
        {%- do given.update({name: value if is_json else value | string}) -%}
    {%- endfor -%}
    {%- set problem = run_query(
        "select vars_problem('" ~ tojson(given) | replace("'", "''") ~ "')"
    ).rows[0][0] -%}
    {%- if problem -%}{%- do exceptions.raise_compiler_error(problem) -%}{%- endif -%}
{% endmacro %}

{#- A var that is a list, for loops: refused here too, as loops run while the project is parsed. -#}
{% macro list_var(name) %}
    {%- set value = var(name) -%}
    {%- if value is string or value is mapping or value is not sequence or not value
        or value | reject('number') | list -%}
        {%- do exceptions.raise_compiler_error(
            'var ' ~ name ~ ' is ' ~ value ~ ', expected a list of numbers') -%}
    {%- endif -%}
    {{ return(value) }}
{% endmacro %}
