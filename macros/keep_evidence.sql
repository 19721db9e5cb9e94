{#- After a `dbt build`: one line for each gate that failed, with what to do, and for each other claim
    that is not true of every row.

    If the build failed, what it found stays below {silver root}/_audits/session_date=D, which no
    glob over a table reads, so that it can be asked when the database file is long gone.

    `failures.parquet` has one row per failed node (name, kind, status, failures, message),
    `gates.parquet` the rows of qa_gate_results if this run got that far. A later failure of the
    date replaces both. A later good build leaves them: older than the commit record, they are
    history, and run_started_at says so. -#}
{% macro keep_evidence(results) %}
    {%- if not execute or flags.WHICH != 'build' -%}{{ return('') }}{%- endif -%}
    {%- set failed = [] -%}
    {%- set succeeded = [] -%}
    {%- for result in results -%}
        {%- if result.status in ['fail', 'error', 'runtime error'] -%}
            {%- do failed.append(result) -%}
        {%- elif result.status == 'success' -%}
            {%- do succeeded.append(result.node.name) -%}
        {%- endif -%}
    {%- endfor -%}
    {#- What an earlier run of the database file left of the table is no evidence of this one. -#}
    {%- set gates_built = 'qa_gate_results' in succeeded -%}
    {%- set gate_table = own('silver.qa_gate_results') -%}
    {%- if gates_built -%}{%- do print_failed_gates(gate_table) -%}{%- endif -%}
    {%- do print_failed_claims(results) -%}
    {%- if not failed -%}{{ return('') }}{%- endif -%}

    {%- set failures -%}
        select *
        from (
            values
            {%- for result in failed %}
            ({{ sql_text(result.node.name) }}, {{ sql_text(result.node.resource_type) }},
            {{ sql_text(result.status) }}, {{ sql_text(result.node.description) }},
            {{ result.failures if result.failures is not none else 'null' }}::bigint,
            {{ sql_text(result.message) }}){{ ',' if not loop.last }}
            {%- endfor %}
        ) as failed (name, kind, status, description, failures, message)
        order by name
    {%- endset -%}
    {%- set gates -%}
        {%- if gates_built -%}
        select * exclude (session_date) from {{ gate_table }} order by gate
        {%- else -%}
        select null::varchar as gate where false
        {%- endif -%}
    {%- endset -%}
    {%- set root = run_query('select silver_root()').rows[0][0] -%}
    {%- set folder = root ~ '/_audits/session_date=' ~ session_date() -%}
    {%- do run_query('select make_folder(' ~ sql_text(folder) ~ ')') -%}
    {%- do copy_evidence(failures, folder ~ '/failures.parquet') -%}
    {%- do copy_evidence(gates, folder ~ '/gates.parquet') -%}
    {%- set start = 'Session {} was published, but what follows it is not sound: '
        if 'publish' in succeeded else 'Nothing of session {} was published: ' -%}
    {%- do print(start.format(session_date()) ~ failed | length ~ ' failed, see ' ~ folder) -%}
{% endmacro %}

{% macro print_failed_gates(gate_table) %}
    {%- for row in run_query(
        "select failed_gate_line(gate, severity, measured, comparison, threshold, unit, detail, advice)"
        ~ " from " ~ gate_table ~ " where status = 'failed' order by severity, gate"
    ).rows -%}
        {%- do print(row[0]) -%}
    {%- endfor -%}
{% endmacro %}

{% macro print_failed_claims(results) %}
    {%- if not execute -%}{{ return('') }}{%- endif -%}
    {%- for result in results
        if result.status in ['fail', 'warn'] and result.node.test_metadata
        and result.node.test_metadata.name == 'holds' -%}
        {%- for row in run_query(
            "select format('{}: {} fails, rows: {}', '" ~ result.node.name ~ "', failed_claim,"
            ~ " count(*)) from (" ~ result.node.compiled_code ~ ") group by failed_claim order by 1"
        ).rows -%}
            {%- do print(row[0]) -%}
        {%- endfor -%}
    {%- endfor -%}
{% endmacro %}

{% macro copy_evidence(query, file) %}
    {%- do run_query(
        "copy (select *, timestamptz '" ~ run_started_at ~ "' as run_started_at from (" ~ query ~ "))"
        ~ " to " ~ sql_text(file) ~ " (format parquet)"
    ) -%}
{% endmacro %}

{% macro sql_text(value) -%}
    {{ 'null::varchar' if value is none else "'" ~ (value | string | replace("'", "''")) ~ "'" }}
{%- endmacro %}
