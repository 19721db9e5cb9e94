{#- The session date as text, YYYY-MM-DD. `--vars '{session_date: 2025-12-16}'` arrives as a date
    object without quotes and as text with them; both are accepted, anything else stops the run. -#}
{% macro session_date() -%}
    {%- set text = var('session_date') | string -%}
    {%- if not modules.re.match('^\\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])$', text) -%}
        {{ exceptions.raise_compiler_error(
            "session_date is '" ~ text ~ "', expected YYYY-MM-DD, as in"
            ~ " --vars '{session_date: 2025-12-16}'") }}
    {%- endif -%}
    {{ text }}
{%- endmacro %}
