{#- Tables and views of the scratch database, built in place: it holds one session, nobody reads it
    while it is built, and what is published is proven first. dbt's own materializations build
    beside the old relation, rename twice and drop, which costs a node more than its query.

    A model is one statement, which notes in its end that it was built: BEGIN, COMMIT and a note of
    their own cost a node what the small ones of its queries cost. Each materialization has that
    statement of its own, because dbt refuses a Python model one macro deeper. -#}
{% materialization table, adapter='duckdb', supported_languages=['sql', 'python'] %}
    {%- set target = this.incorporate(type='table') -%}
    {%- set in_transaction = may_be_undone(pre_hooks + post_hooks) -%}
    {%- do make_room(pre_hooks) -%}
    {%- call statement('main', language=model['language'], auto_begin=in_transaction) -%}
        {{ create_table_as(false, target, compiled_code, model['language']) }}
        {{- note_built() if model['language'] == 'sql' }}
    {%- endcall -%}
    {%- if model['language'] != 'sql' -%}{%- do adapter.execute(note_built()) -%}{%- endif -%}
    {{ return(finish_relation(target, post_hooks, in_transaction)) }}
{% endmaterialization %}

{% materialization view, adapter='duckdb' %}
    {%- set target = this.incorporate(type='view') -%}
    {%- set in_transaction = may_be_undone(pre_hooks + post_hooks) -%}
    {%- do make_room(pre_hooks) -%}
    {%- call statement('main', auto_begin=in_transaction) -%}
        {{ create_view_as(target, compiled_code) }}
        {{- note_built() }}
    {%- endcall -%}
    {{ return(finish_relation(target, post_hooks, in_transaction)) }}
{% endmaterialization %}

{#- dbt's own where failures are stored, and the same query where not; both say in the end how it went. -#}
{% materialization test, adapter='duckdb' %}
    {%- set made = {'relations': []} -%}
    {%- if should_store_failures() -%}
        {%- set made = dbt.materialization_test_default() -%}
    {%- else -%}
        {%- set limited = get_limit_subquery_sql(sql, config.get('limit')) -%}
        {%- call statement('main', fetch_result=true, auto_begin=false) -%}
            {{ get_test_sql(
                limited, config.get('fail_calc'), config.get('warn_if'), config.get('error_if'),
                limit=none) }}
        {%- endcall -%}
    {%- endif -%}
    {%- do note_tested() -%}
    {{ return(made) }}
{% endmaterialization %}

{% macro make_room(hooks) %}
    {%- do run_hooks(hooks, inside_transaction=False) if hooks -%}
    {%- do drop_relation_if_exists(load_cached_relation(this)) -%}
    {%- do run_hooks(hooks, inside_transaction=True) if hooks -%}
{% endmacro %}

{#- Whether a failure may come when something of a model is there: of its hooks, or of the query that
    fills the table of a contract. -#}
{% macro may_be_undone(hooks) %}
    {{ return(hooks | length > 0 or config.get('contract').enforced) }}
{% endmacro %}

{#- What a run without artefacts leaves is not to be read, so it needs no comments. -#}
{% macro finish_relation(target, hooks, in_transaction) %}
    {%- do run_hooks(hooks, inside_transaction=True) if hooks -%}
    {%- do persist_docs(target, model) if flags.WRITE_JSON -%}
    {%- if in_transaction -%}
        {%- do adapter.commit() -%}
        {%- do run_hooks(hooks, inside_transaction=False) -%}
    {%- endif -%}
    {{ return({'relations': [target]}) }}
{% endmacro %}

{#- A contract holds where names and types are letter for letter those that the YAML has. Only where
    they are not does dbt ask DuckDB for each column's type by its name, compare one by one, and say
    how they differ; in the wide tables that took longer than to make them. -#}
{% macro duckdb__get_assert_columns_equivalent(sql) %}
    {%- set made = get_column_schema_from_query(sql) -%}
    {%- set wanted = model.columns.values() | list -%}
    {%- if dict(zip(made | map(attribute='name'), made | map(attribute='dtype') | map('lower')))
        != dict(zip(wanted | map(attribute='name'), wanted | map(attribute='data_type'))) -%}
        {{ default__get_assert_columns_equivalent(sql) }}
    {%- endif -%}
{% endmacro %}
