{#- Before runs are scored: note what the run is; stop it, in one line, if there is nothing to score. -#}
{% macro start_evaluation() %}
    {%- if not execute -%}{{ return('') }}{%- endif -%}
    {%- do check_vars() -%}
    {%- do check_alone('evaluation', 'is no score, and scores are made of what is published') -%}
    {%- set problem = run_query('select evaluation_problem()').rows[0][0] -%}
    {%- if problem -%}{{ exceptions.raise_compiler_error('scores: ' ~ problem) }}{%- endif -%}
    {%- set left_out = run_query('select evaluation_left_out()').rows[0][0] -%}
    {%- if left_out -%}{%- do exceptions.warn('scores: ' ~ left_out) -%}{%- endif -%}
    {%- do make_run_tables() -%}
    {{ return('') }}
{% endmacro %}

{#- One view per table of gold, and per file of the runs, that the scores read. -#}
{% macro attach_runs() %}
    {%- if not execute -%}{{ return('') }}{%- endif -%}
    {%- do run_query('create schema if not exists ' ~ own('evaluated')) -%}
    {%- for kind, names in evaluated_tables().items() -%}
        {%- for name in names -%}
            {%- do attach_view(
                'evaluated', name, "evaluation_select('" ~ kind ~ "', '" ~ name ~ "')", 'scores') -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return('') }}
{% endmacro %}

{#- What the scores read: of gold, of the runs, and of all runs ever made. -#}
{% macro evaluated_tables() %}
    {{ return({
        'gold': ['event_targets', 'event_outcomes', 'folds'],
        'runs': ['predictions', 'calibration', 'neighbours'],
        'trials': ['trials'],
    }) }}
{% endmacro %}

{#- One of these as it lies on the disk. The docs site shows that gold is published before. -#}
{% macro evaluated(name) -%}
    {%- if target.name == 'docs' and name in evaluated_tables().gold -%}
        {%- do ref('publish_gold') -%}
    {%- endif -%}
    {{ own('evaluated.' ~ name) }}
{%- endmacro %}
