{{ config(severity='error') }}

-- Each seed that a model reads has the grain that its description names: no two rows share a key,
-- and no part of a key is NULL.
{{ rows_off_the_grain([
    (ref('contract_specs'), ['root']),
    (ref('session_calendar'), ['trade_date']),
    (ref('session_phases'), ['session_phase']),
    (ref('session_phases'), ['from_minutes']),
    (ref('quality_gates'), ['gate']),
]) }}
