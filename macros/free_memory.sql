{#- Room for `publish`, which takes more memory than any node above it: DuckDB's allocator keeps what is
    freed until a limit is set, be it the one that holds. -#}
{% macro free_memory() %}
    {%- if not execute -%}{{ return('') }}{%- endif -%}
    {%- if target.path == ':memory:' -%}{{ drop_what_was_read() }}{%- endif -%}
    {%- do adapter.execute("set memory_limit = '" ~ target.config_options.memory_limit ~ "'") -%}
{% endmacro %}

{#- A database in memory ends with the build, so large tables are given up that only nodes above
    `publish` have read. -#}
{% macro drop_what_was_read() %}
    {%- set above, still_read = [], [] -%}
    {%- do gather_above(model.unique_id, above) -%}
    {%- for node in graph.nodes.values() if node.unique_id not in above + [model.unique_id] -%}
        {%- do still_read.extend(node.depends_on.nodes or []) if node.resource_type != 'test' -%}
    {%- endfor -%}
    {%- for row in run_query(
        "select table_name from duckdb_tables()"
        ~ " where schema_name = 'intermediate' and estimated_size > 50000"
    ).rows if 'model.' ~ model.package_name ~ '.' ~ row[0] not in still_read -%}
        {%- do adapter.execute('drop table ' ~ own('intermediate.' ~ row[0])) -%}
    {%- endfor -%}
{% endmacro %}
