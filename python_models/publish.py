"""One row: the commit that made this session's Silver tables visible, or why there is none."""

from es_physics.silver.publication import publish_or_refuse


def model(dbt, session):
    """Runs last, and only if all above it is proven: stages, renames and commits every table."""
    params = dbt.ref("session_params").to_arrow_table().to_pylist()[0]
    tables = {
        "sessions": dbt.ref("sessions").order("session_date"),
        "bars_1m": dbt.ref("bars_1m").order("bar_start_ns"),
        "levels": dbt.ref("levels").order("level_kind, valid_from_ns"),
        "gamma_by_strike": dbt.ref("gamma_by_strike").order("tau_ns, instrument_id"),
        "gamma_by_minute": dbt.ref("gamma_by_minute").order("tau_ns"),
        "session_grid": dbt.ref("session_grid").order("grid_start_ns"),
        "ofi_moments": dbt.ref("ofi_moments").order("m, n"),
        "microprice_counts": dbt.ref("microprice_counts").order(
            "i_from, spread_from, dh, i_to, spread_to"
        ),
        "lead_lag": dbt.ref("lead_lag").order("pair, theta_ms"),
        "qa_gate_results": dbt.ref("qa_gate_results").order("gate"),
        "bronze_quality": dbt.ref("bronze_quality").order("feed"),
        "level_events": dbt.ref("level_events").order("event_ts_ns, event_id"),
        "level_event_features": dbt.ref("level_event_features").order("event_id"),
        "level_event_labels": dbt.ref("level_event_labels").order("event_id"),
        "level_interactions": dbt.ref("level_interactions").order("event_ts_ns, event_id"),
        "event_replenishment": dbt.ref("event_replenishment").order("event_id, bucket"),
        "event_book": dbt.ref("event_book").order("event_id, offset_s"),
        "event_paths": dbt.ref("event_paths").order("event_id, offset_s"),
        "placebo_events": dbt.ref("placebo_events").order("event_ts_ns, event_id"),
        "placebo_labels": dbt.ref("placebo_labels").order("event_id"),
        "level_states": dbt.ref("level_states").order("tau_ns, level_kind"),
    }
    # One chunk each as soon as it is read, so that no table is held twice.
    return publish_or_refuse(
        params, {name: rows.to_arrow_table().combine_chunks() for name, rows in tables.items()}
    )
