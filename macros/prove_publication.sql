{#- What `publish` asks for before it runs: that in this run, and by nobody's word but that of the
    nodes themselves, everything above it was built and every test upon that ran and passed. Which
    nodes those are is read off the graph, so that a new table or test is asked for without being
    listed. Whatever is missing is told in one line, and what was published before stays. -#}
{% macro prove_publication(layer='silver') %}
    {%- if not execute -%}{{ return('') }}{%- endif -%}
    {%- set above = [] -%}
    {%- do gather_above(model.unique_id, above, layer) -%}
    {%- set passed = dict(graph.get('tested', {}).get(invocation_id, {})) -%}
    {%- for row in run_query(
        'select unique_id from ' ~ own('runs.built') ~ " where invocation_id = '" ~ invocation_id ~ "'"
    ).rows -%}
        {%- do passed.update({row[0]: true}) -%}
    {%- endfor -%}

    {%- set unpublished, unbuilt, untested, failed = [], [], [], [] -%}
    {%- for node in graph.nodes.values() -%}
        {%- if node.unique_id in above -%}
            {%- if node.unique_id not in passed -%}{%- do unbuilt.append(node.name) -%}{%- endif -%}
        {%- elif node.resource_type == 'test' -%}
            {%- if node.depends_on.nodes | select('in', above) | list -%}
                {%- if node.unique_id not in passed -%}
                    {%- do untested.append(node.name) -%}
                {%- elif not passed[node.unique_id] -%}
                    {%- do failed.append(node.name) -%}
                {%- endif -%}
            {%- endif -%}
        {%- elif node.resource_type == 'model' and node.schema == layer
            and node.unique_id != model.unique_id -%}
            {%- do unpublished.append(node.name) -%}
        {%- endif -%}
    {%- endfor -%}

    {%- set reasons = [] -%}
    {%- for names, words in [
        (failed, ' failed'),
        (unbuilt, ' not built in this run'),
        (untested, ' not tested in this run'),
        (unpublished, ' is in ' ~ layer ~ ', but ' ~ model.name ~ ' does not read it'),
    ] if names -%}
        {%- do reasons.append(first_of(names) ~ words) -%}
    {%- endfor -%}
    {%- if reasons -%}
        {{ exceptions.raise_compiler_error(
            publication() ~ ' is not published: ' ~ reasons | join('; ')
            ~ '. What is published is proven whole, in one run: ' ~ publishing_command()) }}
    {%- endif -%}
{% endmacro %}

{#- What a run of this target publishes, in words. -#}
{% macro publication() -%}
    {{ {'gold': 'gold', 'evaluation': 'scores'}.get(target.name) or 'session ' ~ session_date() }}
{%- endmacro %}

{#- The command that publishes it. -#}
{% macro publishing_command() -%}
    {%- if target.name == 'gold' -%}
        dbt build --target gold --select gold
    {%- elif target.name == 'evaluation' -%}
        dbt build --target evaluation --select gold.evaluation
    {%- else -%}
        dbt build --vars '{session_date: {{ session_date() }}}'
    {%- endif -%}
{%- endmacro %}

{#- Say in one line why nothing was committed, if so. -#}
{% macro tell_refusal() %}
    {%- if not execute -%}{{ return('') }}{%- endif -%}
    {%- set refused, commit_path = run_query('select refused, commit_path from ' ~ this).rows[0] -%}
    {%- if refused -%}
        {{ exceptions.raise_compiler_error(publication() ~ ' ' ~ refused) }}
    {%- elif not commit_path -%}
        {%- do exceptions.warn('session ' ~ session_date() ~ ': a run with --empty publishes nothing') -%}
    {%- endif -%}
{% endmacro %}

{#- Add to `found` the unique ids of all that a node is made from: sources aside, and for gold the
    sessions, which it reads as they were committed. -#}
{% macro gather_above(unique_id, found, layer='silver') %}
    {%- for parent in graph.nodes[unique_id].depends_on.nodes or [] -%}
        {%- if parent in graph.nodes and parent not in found
            and (layer != 'gold' or 'gold' in graph.nodes[parent].fqn) -%}
            {%- do found.append(parent) -%}
            {%- do gather_above(parent, found, layer) -%}
        {%- endif -%}
    {%- endfor -%}
{% endmacro %}

{#- The statement that notes that this run built a model: after the one that does, and never run if
    that fails. -#}
{% macro note_built() -%}
    insert into {{ own('runs.built') }} values ('{{ model.unique_id }}', '{{ invocation_id }}');
{% endmacro %}

{#- Note how a test of this run ended: in what all nodes of a run share, since a statement of its own
    costs what the test does. -#}
{% macro note_tested() %}
    {%- set row = load_result('main').table.rows[0] -%}
    {%- set passed = config.get('severity', 'error') | lower != 'error' or not row['should_error'] -%}
    {%- do graph.setdefault('tested', {}).setdefault(invocation_id, {}).update(
        {model.unique_id: passed}) -%}
{% endmacro %}
