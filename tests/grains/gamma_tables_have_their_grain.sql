{{ config(severity='error') }}

-- Each of these tables has the grain that its description names: no two rows share a key, and no
-- part of a key is NULL.
{{ rows_off_the_grain([
    (ref('int_option_chain'), ['instrument_id']),
    (ref('int_option_quotes'), ['mark_ns', 'instrument_id']),
    (ref('int_option_flows'), ['mark_ns', 'instrument_id']),
    (ref('int_option_open_interest'), ['mark_ns', 'instrument_id']),
    (ref('int_option_underlyings'), ['mark_ns', 'underlying']),
    (ref('int_option_marks'), ['mark_ns', 'instrument_id']),
    (ref('int_option_volatilities'), ['mark_ns', 'instrument_id']),
    (ref('int_nearest_strikes'), ['mark_ns', 'strike']),
    (ref('int_chain_profiles'), ['mark_ns']),
    (ref('int_chain_minutes'), ['mark_ns']),
    (ref('int_event_strikes'), ['event_id', 'instrument_id']),
    (ref('int_event_gamma'), ['event_id']),
    (ref('int_event_chain'), ['event_id']),
    (ref('int_event_premiums'), ['event_id']),
]) }}
