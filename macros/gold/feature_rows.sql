{#- The features of the seed feature_sets with their orientation and source, in its order; none while
    parsing. -#}
{% macro feature_rows(relation) %}
    {%- set rows = [] -%}
    {%- if execute and load_relation(relation) is not none -%}
        {%- for row in run_query(
            'select feature, orientation, source from ' ~ relation ~ ' order by rowid').rows -%}
            {%- do rows.append({'feature': row[0], 'orientation': row[1], 'source': row[2]}) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(rows) }}
{% endmacro %}
