{#- The first row of a built relation as SQL literals by column; NULLs while it is not built or has
    no row. Runs a query, so never while parsing. -#}
{% macro first_row(relation, columns) %}
    {%- set literals = {} -%}
    {%- for column in columns -%}
        {%- do literals.update({column: 'null'}) -%}
    {%- endfor -%}
    {%- if execute and load_relation(relation) is not none -%}
        {%- for row in run_query('select ' ~ columns | join(', ') ~ ' from ' ~ relation).rows[:1] -%}
            {%- for column in columns -%}
                {%- set value = row[loop.index0] -%}
                {%- if value is string -%}
                    {%- do literals.update({column: "'" ~ value | replace("'", "''") ~ "'"}) -%}
                {%- elif value is not none -%}
                    {%- do literals.update({column: value}) -%}
                {%- endif -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(literals) }}
{% endmacro %}
