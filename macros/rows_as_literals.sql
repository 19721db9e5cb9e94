{#- The rows of a small built relation, each as SQL literals by column; none while it is not built.
    Runs a query, so never while parsing. -#}
{% macro rows_as_literals(relation, columns) %}
    {%- set rows = [] -%}
    {%- if execute and load_relation(relation) is not none -%}
        {%- for row in run_query('select ' ~ columns | join(', ') ~ ' from ' ~ relation).rows -%}
            {%- set literals = {} -%}
            {%- for column in columns -%}
                {%- set value = row[loop.index0] -%}
                {%- if value is none -%}
                    {%- set value = 'null' -%}
                {%- elif value is string -%}
                    {%- set value = "'" ~ value | replace("'", "''") ~ "'" -%}
                {%- endif -%}
                {%- do literals.update({column: value}) -%}
            {%- endfor -%}
            {%- do rows.append(literals) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(rows) }}
{% endmacro %}

{#- The first of them; NULLs while the relation is not built or has no row. -#}
{% macro first_row(relation, columns) %}
    {%- set nothing = {} -%}
    {%- for column in columns -%}
        {%- do nothing.update({column: 'null'}) -%}
    {%- endfor -%}
    {{ return((rows_as_literals(relation, columns) + [nothing])[0]) }}
{% endmacro %}
