"""One row: the commit that made these scores visible, or why there is none."""

from es_physics.gold.publication import publish_scores as publish
from es_physics.silver.key_order import in_key_order

CANDIDATE = "run_id, target, model, feature_set"


def model(dbt, session):
    """Runs last, and only if all above it is proven."""
    params = dbt.ref("evaluation_params").to_arrow_table().to_pylist()[0]
    tables = {
        "session_gains": in_key_order(dbt.ref("session_gains"), f"{CANDIDATE}, session_date"),
        "scores": in_key_order(dbt.ref("scores"), f"{CANDIDATE}, stratum_kind, stratum"),
        "reliability": in_key_order(dbt.ref("reliability"), f"{CANDIDATE}, class, bin"),
        "ablations": in_key_order(dbt.ref("ablations"), CANDIDATE),
        "edge": in_key_order(dbt.ref("edge"), CANDIDATE),
        "similarity": in_key_order(dbt.ref("similarity"), "run_id, target, feature_set, quartile"),
        "calibration": in_key_order(dbt.ref("calibration"), f"{CANDIDATE}, fold"),
    }
    return publish(params, tables)
