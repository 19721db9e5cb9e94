{{ config(severity='error') }}

-- Each of these tables has the grain that its description names: no two rows share a key, and no
-- part of a key is NULL.
{{ rows_off_the_grain([
    (ref('int_feed_checks'), ['feed']),
    (ref('int_instrument_counts'), ['feed', 'instrument_id', 'symbol']),
    (ref('int_defined_shares'), ['feed']),
    (ref('int_option_checks'), ['session_date']),
    (ref('int_bronze_quality'), ['feed']),
    (ref('int_gate_inputs'), ['gate']),
    (ref('int_gate_purity'), ['gate']),
    (ref('int_gate_clock'), ['gate']),
    (ref('int_gate_leakage'), ['gate']),
    (ref('int_gate_prices'), ['gate']),
    (ref('int_gate_causality'), ['gate']),
    (ref('int_gate_coverage'), ['gate']),
    (ref('int_gate_quality'), ['gate']),
    (ref('int_gate_results'), ['gate']),
]) }}
