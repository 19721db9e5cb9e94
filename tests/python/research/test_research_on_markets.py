"""Trees on made markets: nothing is found where nothing is, and an effect only by its feature."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from gold.made_market import MARKETS
from reference_research.inputs import Gold
from reference_research.scores import Evaluation, score
from research.market_gold import market_gold, publish_gold

import es_physics.cli

SESSIONS, EVENTS = 100, 36
TOLD_BY = "voi_integrated_240s"


@cache
def gold_of(market: str) -> Gold:
    return market_gold(MARKETS[market], SESSIONS, EVENTS)


@pytest.fixture
def scores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Scores of `lightgbm_null` on gold, as of one try among eight; and the t of its edge."""

    def run(gold: Gold) -> dict[str, Any]:
        publish_gold(tmp_path, gold)
        monkeypatch.setenv("ES_GOLD_ROOT", str(tmp_path))
        assert es_physics.cli.main(["research", "--models", "lightgbm_null"]) == 0
        (answers,) = tmp_path.glob("runs/*/predictions.parquet")
        trials = pl.DataFrame({"target": ["scaled"] * 8, "model": ["lightgbm_null"] * 8})
        evaluation = Evaluation(gold, pl.read_parquet(answers), pl.DataFrame(), trials)
        (key,) = (key for key in evaluation.judged if key[2] == "lightgbm_null")
        edges = {row["model"]: row["t"] for row in evaluation.edge()}
        assert edges.keys() == {"base_rate", "tod_rate", "null", "null_calibrated", "lightgbm_null"}
        return score(evaluation.judged[key], trials.height) | {"edge_t": edges}

    return run


def test_on_driftless_ticks_nothing_is_found(scores: Any) -> None:
    found = scores(gold_of("driftless"))
    assert found["sessions"] == 49
    assert found["skill"] > -0.005
    # A skill without a size has no t.
    assert (found.get("skill_t") or 0.0) < 3
    assert (found.get("side_t") or 0.0) < 3
    assert (found.get("deflated") or 0.0) < 0.95
    assert max(found["edge_t"].values()) < 3


def test_a_planted_effect_is_found_on_its_side(scores: Any) -> None:
    found = scores(gold_of("planted"))
    assert found["side_t"] > 3.5
    assert found["gain_side"] > 0.005
    assert abs(found.get("move_t") or 0.0) < 3
    assert found["deflated"] > 0.95
    assert found["skill_low"] > 0


def test_it_is_gone_without_its_feature(scores: Any) -> None:
    gold = gold_of("planted")
    without = gold.event_matrix.with_columns(pl.lit(None, pl.Float64).alias(TOLD_BY))
    found = scores(replace(gold, event_matrix=without))
    assert found["skill"] > -0.005
    assert found["gain_side"] < 0.002
    assert (found.get("side_t") or 0.0) < 3
    assert (found.get("deflated") or 0.0) < 0.95
