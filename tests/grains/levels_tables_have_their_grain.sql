{{ config(severity='error') }}

-- Each of these tables has the grain that its description names: no two rows share a key, and no
-- part of a key is NULL.
{{ rows_off_the_grain([
    (ref('int_level_kinds'), ['level_kind']),
    (ref('int_levels_range'), ['level_kind']),
    (ref('int_levels_sma'), ['level_kind', 'valid_from_ns']),
    (ref('int_levels'), ['level_kind', 'valid_from_ns']),
    (ref('int_level_minutes'), ['minute_ns', 'level_kind']),
    (ref('int_level_offsets'), ['level_kind', 'placebo_nr']),
]) }}
