"""One row: the commit that made this session's Silver tables visible, or why there is none."""

from es_physics.silver.key_order import in_key_order
from es_physics.silver.publication import publish_or_refuse


def model(dbt, session):
    """Runs last, and only if all above it is proven: stages, renames and commits every table."""
    params = dbt.ref("session_params").to_arrow_table().to_pylist()[0]
    tables = {
        "sessions": in_key_order(dbt.ref("sessions"), "session_date"),
        "bars_1m": in_key_order(dbt.ref("bars_1m"), "bar_start_ns"),
        "levels": in_key_order(dbt.ref("levels"), "level_kind, valid_from_ns"),
        "gamma_by_strike": in_key_order(dbt.ref("gamma_by_strike"), "tau_ns, instrument_id"),
        "gamma_by_minute": in_key_order(dbt.ref("gamma_by_minute"), "tau_ns"),
        "session_grid": in_key_order(dbt.ref("session_grid"), "grid_start_ns"),
        "ofi_moments": in_key_order(dbt.ref("ofi_moments"), "m, n"),
        "microprice_counts": in_key_order(
            dbt.ref("microprice_counts"), "i_from, spread_from, dh, i_to, spread_to"
        ),
        "lead_lag": in_key_order(dbt.ref("lead_lag"), "pair, theta_ms"),
        "qa_gate_results": in_key_order(dbt.ref("qa_gate_results"), "gate"),
        "bronze_quality": in_key_order(dbt.ref("bronze_quality"), "feed"),
        "level_events": in_key_order(dbt.ref("level_events"), "event_ts_ns, event_id"),
        "level_event_features": in_key_order(dbt.ref("level_event_features"), "event_id"),
        "level_event_labels": in_key_order(dbt.ref("level_event_labels"), "event_id"),
        "level_interactions": in_key_order(dbt.ref("level_interactions"), "event_ts_ns, event_id"),
        "event_replenishment": in_key_order(dbt.ref("event_replenishment"), "event_id, bucket"),
        "event_book": in_key_order(dbt.ref("event_book"), "event_id, offset_s"),
        "event_paths": in_key_order(dbt.ref("event_paths"), "event_id, offset_s"),
        "placebo_events": in_key_order(dbt.ref("placebo_events"), "event_ts_ns, event_id"),
        "placebo_labels": in_key_order(dbt.ref("placebo_labels"), "event_id"),
        "level_states": in_key_order(dbt.ref("level_states"), "tau_ns, level_kind"),
    }
    return publish_or_refuse(params, tables)
