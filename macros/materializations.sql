{#- Tables and views of the scratch database, built in place: it holds one session, nobody reads it
    while it is built, and what is published is proven first. dbt's own materializations build
    beside the old relation, rename twice and drop, which costs a node more than its query.

    Each has a statement of its own, because dbt refuses a Python model one macro deeper. -#}
{% materialization table, adapter='duckdb', supported_languages=['sql', 'python'] %}
    {%- set target = this.incorporate(type='table') -%}
    {%- do make_room(pre_hooks) -%}
    {%- call statement('main', language=model['language']) -%}
        {{ create_table_as(false, target, compiled_code, model['language']) }}
    {%- endcall -%}
    {{ return(finish_relation(target, post_hooks)) }}
{% endmaterialization %}

{% materialization view, adapter='duckdb' %}
    {%- set target = this.incorporate(type='view') -%}
    {%- do make_room(pre_hooks) -%}
    {%- call statement('main') -%}
        {{ create_view_as(target, compiled_code) }}
    {%- endcall -%}
    {{ return(finish_relation(target, post_hooks)) }}
{% endmaterialization %}

{#- dbt's own, which says in the end how it went. -#}
{% materialization test, adapter='duckdb' %}
    {%- set made = dbt.materialization_test_default() -%}
    {%- do note_tested() -%}
    {{ return(made) }}
{% endmaterialization %}

{% macro make_room(hooks) %}
    {%- do run_hooks(hooks, inside_transaction=False) -%}
    {%- do drop_relation_if_exists(load_cached_relation(this)) -%}
    {%- do run_hooks(hooks, inside_transaction=True) -%}
{% endmacro %}

{% macro finish_relation(target, hooks) %}
    {%- do run_hooks(hooks, inside_transaction=True) -%}
    {%- do persist_docs(target, model) -%}
    {%- do note_built() -%}
    {%- do adapter.commit() -%}
    {%- do run_hooks(hooks, inside_transaction=False) -%}
    {{ return({'relations': [target]}) }}
{% endmacro %}
