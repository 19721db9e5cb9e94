{#- Before gold is built: note what the run is; stop it, in one line, if the committed sessions of the
    range cannot be read together. -#}
{% macro start_gold() %}
    {%- if not execute -%}{{ return('') }}{%- endif -%}
    {%- do check_vars() -%}
    {%- do check_alone('gold', 'is of a session, and gold is made of committed ones alone') -%}
    {%- set problem = run_query(
        'select gold_problem(' ~ gold_range() ~ ', ' ~ var('prior_min') ~ ', ' ~ var('allow_mixed') ~ ')'
    ).rows[0][0] -%}
    {%- if problem -%}{{ exceptions.raise_compiler_error('gold: ' ~ problem) }}{%- endif -%}
    {%- do make_run_tables() -%}
    {{ return('') }}
{% endmacro %}

{#- Stop a run that would build what lies outside a folder of models: what it reads is committed. -#}
{% macro check_alone(folder, why_not) %}
    {%- for unique_id in selected_resources if unique_id in graph.nodes -%}
        {%- set node = graph.nodes[unique_id] -%}
        {%- if node.resource_type in ['model', 'seed'] and folder not in node.fqn -%}
            {{ exceptions.raise_compiler_error(
                publication() ~ ': ' ~ node.name ~ ' ' ~ why_not ~ ': ' ~ publishing_command()) }}
        {%- endif -%}
    {%- endfor -%}
{% endmacro %}

{#- The range as the arguments of the plugin's functions. -#}
{% macro gold_range() -%}
    date '{{ var("gold_start") }}', date '{{ var("gold_end") }}'
{%- endmacro %}

{#- One view per table of Silver over the files that the commit records of the range name. -#}
{% macro attach_silver() %}
    {%- if not execute -%}{{ return('') }}{%- endif -%}
    {%- do run_query('create schema if not exists ' ~ own('committed')) -%}
    {%- for table in committed_tables() -%}
        {%- do attach_view(
            'committed', table, "gold_select('" ~ table ~ "', " ~ gold_range() ~ ')', 'gold') -%}
    {%- endfor -%}
    {{ return('') }}
{% endmacro %}

{#- The tables of Silver that gold reads. -#}
{% macro committed_tables() %}
    {{ return([
        'sessions', 'level_events', 'level_event_features', 'level_event_labels', 'placebo_events',
        'placebo_labels', 'event_paths', 'session_grid', 'ofi_moments', 'microprice_counts', 'lead_lag',
    ]) }}
{% endmacro %}

{#- A table of Silver as the commit records of the range have it. -#}
{% macro committed(table) -%}
    {{ own('committed.' ~ table) }}
{%- endmacro %}
