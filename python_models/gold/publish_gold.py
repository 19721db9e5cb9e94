"""One row: the commit that made these gold tables visible, or why there is none."""

from es_physics.gold.publication import publish_gold as publish
from es_physics.silver.key_order import in_key_order


def model(dbt, session):
    """Runs last, and only if all above it is proven."""
    params = dbt.ref("gold_params").to_arrow_table().to_pylist()[0]
    tables = {
        "tod_profiles": in_key_order(dbt.ref("tod_profiles"), "session_date, metric, bucket"),
        "ofi_weights": in_key_order(dbt.ref("ofi_weights"), "session_date, m"),
        "microprice": in_key_order(dbt.ref("microprice"), "session_date, i, spread"),
        "lead_lag_summary": in_key_order(dbt.ref("lead_lag_summary"), "pair, theta_ms"),
        "event_matrix": in_key_order(dbt.ref("event_matrix"), "event_id"),
        "event_targets": in_key_order(dbt.ref("event_targets"), "event_id, target"),
        "event_sequences": in_key_order(dbt.ref("event_sequences"), "event_id"),
        "event_outcomes": in_key_order(dbt.ref("event_outcomes"), "event_id"),
        "feature_sets": in_key_order(dbt.ref("int_feature_sets"), "feature_nr"),
        "folds": in_key_order(dbt.ref("folds"), "fold, session_date"),
        "feature_drift": in_key_order(dbt.ref("feature_drift"), "session_date, feature"),
        "level_outcomes": in_key_order(
            dbt.ref("level_outcomes"), "is_placebo, target, level_kind, direction, session_phase"
        ),
        "cumulative_incidence": in_key_order(
            dbt.ref("cumulative_incidence"), "target, stratum, second, cause"
        ),
        "event_curves": in_key_order(dbt.ref("event_curves"), "stratum, is_placebo, offset_s"),
        "univariate": in_key_order(dbt.ref("univariate"), "feature"),
    }
    return publish(params, tables)
