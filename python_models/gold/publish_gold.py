"""One row: the commit that made these gold tables visible, or why there is none."""

from es_physics.gold.publication import publish_gold as publish


def model(dbt, session):
    """Runs last, and only if all above it is proven."""
    params = dbt.ref("gold_params").to_arrow_table().to_pylist()[0]
    tables = {
        "tod_profiles": dbt.ref("tod_profiles").order("session_date, metric, bucket"),
        "ofi_weights": dbt.ref("ofi_weights").order("session_date, m"),
        "microprice": dbt.ref("microprice").order("session_date, i, spread"),
        "lead_lag_summary": dbt.ref("lead_lag_summary").order("pair, theta_ms"),
        "event_matrix": dbt.ref("event_matrix").order("event_id"),
        "event_targets": dbt.ref("event_targets").order("event_id, target"),
        "event_sequences": dbt.ref("event_sequences").order("event_id"),
        "event_outcomes": dbt.ref("event_outcomes").order("event_id"),
        "feature_sets": dbt.ref("int_feature_sets").order("feature_nr"),
        "folds": dbt.ref("folds").order("fold, session_date"),
        "feature_drift": dbt.ref("feature_drift").order("session_date, feature"),
        "level_outcomes": dbt.ref("level_outcomes").order(
            "is_placebo, target, level_kind, direction, session_phase"
        ),
        "cumulative_incidence": dbt.ref("cumulative_incidence").order(
            "target, stratum, second, cause"
        ),
        "event_curves": dbt.ref("event_curves").order("stratum, is_placebo, offset_s"),
        "univariate": dbt.ref("univariate").order("feature"),
    }
    return publish(params, {name: rows.to_arrow_table() for name, rows in tables.items()})
