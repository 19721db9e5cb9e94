{#- Clock arithmetic. Times are BIGINT nanoseconds since the epoch, UTC, everywhere: DuckDB rounds
    nanosecond timestamps to microseconds half up, which can move a record into the next bar. -#}

{#- A clock var as 'HH:MM:SS'. -#}
{% macro clock_var(name) -%}
    {{ clock_time(var(name)) }}
{%- endmacro %}

{#- A time of day as 'HH:MM:SS'. YAML reads an unquoted 16:00 as the number 960; both are accepted. -#}
{% macro clock_time(value) -%}
    {%- if value is number -%}
        {{ '%02d:%02d:00' | format(value // 60, value % 60) }}
    {%- else -%}
        {{ '%s:00' | format(value) if (value | length) == 5 else value }}
    {%- endif -%}
{%- endmacro %}

{#- Whether a value is a time of day in whole minutes: 'yes' or nothing. -#}
{% macro is_clock_time(value) -%}
    {%- if (value is string or value is integer)
        and modules.re.fullmatch('([01][0-9]|2[0-3]):[0-5][0-9]:00', clock_time(value)) -%}
        yes
    {%- endif -%}
{%- endmacro %}

{#- SQL for a time of the session, by its name in int_session or as HH:MM of New York, which from the
    start of the trade date on is the evening before. -#}
{% macro session_time_ns(time, session) -%}
    {%- if is_clock_time(time) -%}
        {%- set evenings = 1 if clock_time(time) >= clock_var('trade_date_start') else 0 -%}
        {{ new_york_ns('(' ~ session ~ '.session_date - ' ~ evenings ~ ") + time '"
            ~ clock_time(time) ~ "'") }}
    {%- else -%}
        {{ session }}.{{ time }}_ns
    {%- endif -%}
{%- endmacro %}

{#- Nanoseconds of a New York wall-clock TIMESTAMP (whole seconds). -#}
{% macro new_york_ns(local_timestamp) -%}
    (epoch_us(timezone('America/New_York', {{ local_timestamp }})) * 1000)
{%- endmacro %}

{#- New York wall-clock TIMESTAMP of nanoseconds, cut (not rounded) to microseconds. -#}
{% macro new_york_timestamp(ns) -%}
    timezone('America/New_York', timezone('UTC', make_timestamp({{ ns }} // 1000)))
{%- endmacro %}

{#- Start of the clock bar of `minutes` minutes that holds a time; New York is whole hours off UTC. -#}
{% macro bar_start_ns(ns, minutes) -%}
    ({{ ns }} // {{ minutes * 60000000000 }} * {{ minutes * 60000000000 }})
{%- endmacro %}
