"""One row: the commit that made these scores visible, or why there is none."""

from es_physics.gold.publication import publish_scores as publish

CANDIDATE = "run_id, target, model, feature_set"


def model(dbt, session):
    """Runs last, and only if all above it is proven."""
    params = dbt.ref("evaluation_params").to_arrow_table().to_pylist()[0]
    tables = {
        "session_gains": dbt.ref("session_gains").order(f"{CANDIDATE}, session_date"),
        "scores": dbt.ref("scores").order(f"{CANDIDATE}, stratum_kind, stratum"),
        "reliability": dbt.ref("reliability").order(f"{CANDIDATE}, class, bin"),
        "ablations": dbt.ref("ablations").order(CANDIDATE),
        "edge": dbt.ref("edge").order(CANDIDATE),
        "similarity": dbt.ref("similarity").order("run_id, target, feature_set, quartile"),
        "calibration": dbt.ref("calibration").order(f"{CANDIDATE}, fold"),
    }
    return publish(params, {name: rows.to_arrow_table() for name, rows in tables.items()})
