{#- Before a run: note in the database what the run is, and look at what it would read of earlier ones.

    The schema `runs` says of every table in the database which run built it, and of every run its
    date and vars: a table alone does not tell. A run of a part of the graph that would read a table
    of another date, or one that is not there, ends here in one line; for tables of other vars it says
    so, and `publish` refuses whatever was mixed. -#}
{% macro start_run() %}
    {%- if not execute -%}{{ return('') }}{%- endif -%}
    {%- do check_vars() -%}
    {%- do check_roots() -%}
    {%- do say_what_is_built() -%}
    {%- do make_run_tables() -%}
    {%- do check_what_is_read(tables_read()) -%}
    {%- do run_query(
        'insert into ' ~ own('runs.started') ~ " values ('" ~ invocation_id ~ "', date '"
        ~ session_date() ~ "', '" ~ vars_json('project_var_names') ~ "', '" ~ run_started_at ~ "')") -%}
    {{ return('') }}
{% endmacro %}

{#- Where runs and what they built are noted. -#}
{% macro make_run_tables() %}
    {%- do run_query('create schema if not exists ' ~ own('runs')) -%}
    {%- do run_query(
        'create table if not exists ' ~ own('runs.started') ~ ' (invocation_id varchar,'
        ~ ' session_date date, vars_json varchar, started_at timestamptz)') -%}
    {%- do run_query(
        'create table if not exists ' ~ own('runs.built')
        ~ ' (unique_id varchar, invocation_id varchar)') -%}
{% endmacro %}

{#- A name in this build's database: one that may be called as a schema is, or hold any character. -#}
{% macro own(name) -%}
    {{ adapter.quote(target.database | replace('"', '""')) }}.{{ name }}
{%- endmacro %}

{#- The tables and views that this run reads and does not build, by their unique ids. A test that
    this run builds something for fails by itself if the rest is of another date. -#}
{% macro tables_read() %}
    {%- set read = [] -%}
    {%- for unique_id in selected_resources if unique_id in graph.nodes -%}
        {%- set node = graph.nodes[unique_id] -%}
        {%- set parents = (node.depends_on.nodes or []) | select('in', graph.nodes) | list -%}
        {%- set unbuilt = parents | reject('in', selected_resources) | list -%}
        {%- if node.resource_type != 'test' or unbuilt == parents -%}
            {%- do read.extend(unbuilt) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(read | unique | list) }}
{% endmacro %}

{% macro check_what_is_read(unique_ids) %}
    {%- if not unique_ids or invocation_args_dict.defer -%}{{ return('') }}{%- endif -%}
    {%- set found = {} -%}
    {%- for schema, name in run_query(
        'select schema_name, table_name from duckdb_tables() where database_name = current_database()'
        ~ ' union all select schema_name, view_name from duckdb_views()'
        ~ ' where database_name = current_database()').rows -%}
        {%- do found.update({schema ~ '.' ~ name: true}) -%}
    {%- endfor -%}
    {%- set stamps = {} -%}
    {%- for row in run_query(
        'select built.unique_id, started.session_date::varchar, started.vars_json from '
        ~ own('runs.built') ~ ' as built inner join ' ~ own('runs.started')
        ~ ' as started using (invocation_id) order by started.started_at').rows -%}
        {%- do stamps.update({row[0]: row}) -%}
    {%- endfor -%}
    {%- set vars = fromjson(vars_json('project_var_names') | replace("''", "'")) -%}
    {%- set missing, foreign, varied = [], [], [] -%}
    {%- for unique_id in unique_ids -%}
        {%- set node = graph.nodes[unique_id] -%}
        {%- if node.schema ~ '.' ~ node.alias not in found -%}
            {%- do missing.append(node.name) -%}
        {%- elif unique_id in stamps and node.resource_type == 'model' -%}
            {%- if stamps[unique_id][1] != session_date() -%}
                {%- do foreign.append(node.name ~ ' is of ' ~ stamps[unique_id][1]) -%}
            {%- endif -%}
            {%- set then = fromjson(stamps[unique_id][2]) -%}
            {%- for name in vars if then.get(name) != vars[name] and name not in varied -%}
                {%- do varied.append(name) -%}
            {%- endfor -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if missing -%}
        {{ exceptions.raise_compiler_error(
            'session ' ~ session_date() ~ ': this run reads what is not built in ' ~ target.path ~ ' ('
            ~ first_of(missing) ~ "): dbt build --vars '{session_date: " ~ session_date() ~ "}'") }}
    {%- endif -%}
    {%- if foreign -%}
        {{ exceptions.raise_compiler_error(
            'session ' ~ session_date() ~ ': this run reads tables of another date (' ~ first_of(foreign)
            ~ '): give their date, or build the whole session') }}
    {%- endif -%}
    {%- if varied -%}
        {%- do exceptions.warn(
            'session ' ~ session_date() ~ ': this run reads tables that were built with another '
            ~ first_of(varied) ~ ', and so publishes nothing') -%}
    {%- endif -%}
{% endmacro %}

{#- Stop the run, before it does anything, if Bronze or Silver cannot be where they are said to be. -#}
{% macro check_roots() %}
    {%- set problem = run_query("select root_problem()").rows[0][0] -%}
    {%- if problem -%}{{ exceptions.raise_compiler_error(problem) }}{%- endif -%}
{% endmacro %}

{#- One line with the date that this run is of and where that comes from. A date that was forgotten is
    that of the demo: over other data, that is a warning. -#}
{% macro say_what_is_built() %}
    {%- set date = session_date() -%}
    {%- if 'session_date' in (invocation_args_dict.vars or {}) -%}
        {%- do log('session ' ~ date ~ ', by --vars', info=true) -%}
        {{ return('') }}
    {%- endif -%}
    {%- set newest = run_query("select newest_bronze()").rows[0][0] -%}
    {%- set said = 'session ' ~ date ~ ', the default of dbt_project.yml' -%}
    {%- if newest in ['', date] -%}
        {%- do log(said, info=true) -%}
    {%- else -%}
        {%- do exceptions.warn(
            said ~ ", and Bronze goes to " ~ newest ~ ": no session_date was given, as in --vars"
            ~ " '{session_date: " ~ newest ~ "}'") -%}
    {%- endif -%}
{% endmacro %}

{#- A few names in words. -#}
{% macro first_of(names) -%}
    {{ names[:3] | join(', ') }}{{ ' and ' ~ (names | length - 3) ~ ' more' if names | length > 3 }}
{%- endmacro %}
