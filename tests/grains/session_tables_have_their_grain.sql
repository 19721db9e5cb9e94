{{ config(severity='error') }}

-- Each of these tables has the grain that its description names: no two rows share a key, and no
-- part of a key is NULL.
{{ rows_off_the_grain([
    (ref('stg_bronze__partitions'), ['feed', 'trade_date']),
    (ref('session_params'), ['session_date']),
    (ref('int_session_clock'), ['trade_date']),
    (ref('int_session'), ['session_date']),
    (ref('int_latest_definitions'), ['market', 'instrument_id', 'symbol']),
    (ref('int_outrights'), ['instrument_id', 'symbol']),
    (ref('int_outright_volumes'), ['symbol']),
    (ref('int_front_month'), ['session_date']),
    (ref('int_front_trades'), ['trade_nr']),
    (ref('int_front_prices'), ['ts_ns']),
    (ref('int_clock_minutes'), ['mark_ns']),
    (ref('int_grid_steps'), ['grid_start_ns']),
    (ref('int_bars_1m'), ['bar_start_ns']),
    (ref('int_bars_2m'), ['bar_start_ns']),
    (ref('int_rth_volatility'), ['bar_end_ns']),
    (ref('int_level_kinds'), ['level_kind']),
    (ref('int_levels_range'), ['level_kind']),
    (ref('int_levels_sma'), ['level_kind', 'valid_from_ns']),
    (ref('int_levels'), ['level_kind', 'valid_from_ns']),
    (ref('int_level_minutes'), ['minute_ns', 'level_kind']),
    (ref('int_level_offsets'), ['level_kind', 'placebo_nr']),
]) }}
