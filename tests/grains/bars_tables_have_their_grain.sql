{{ config(severity='error') }}

-- Each of these tables has the grain that its description names: no two rows share a key, and no
-- part of a key is NULL.
{{ rows_off_the_grain([
    (ref('int_bars_1m'), ['bar_start_ns']),
    (ref('int_bars_2m'), ['bar_start_ns']),
    (ref('int_rth_volatility'), ['bar_end_ns']),
]) }}
