"""The claims of the proofs on made markets; the proofs themselves take minutes each."""

from __future__ import annotations

from typing import Any

import pytest
from gold.made_market import MARKETS

from bench.proofs import PROOFS, broken
from es_physics.research.models import MODELS

NOTHING = {"skill": 0.001, "skill_t": None, "side_t": None, "deflated": 0.5, "edge_t": -4.0}
FOUND = {"skill": 0.01, "skill_t": 5.0, "move_t": 1.0, "side_t": 6.0, "deflated": 0.99}


def test_every_market_has_a_proof() -> None:
    assert list(PROOFS) == list(MARKETS)
    for proof in PROOFS.values():
        assert set(proof.models) <= set(MODELS)
        assert {claim.model for claim in proof.claims} == set(proof.models)


@pytest.mark.parametrize(
    ("market", "found", "lines"),
    [
        ("driftless", NOTHING, []),
        (
            "driftless",
            NOTHING | {"skill_t": 3.2, "deflated": 0.97},
            [
                "skill_t of lightgbm_null is 3.2000 and has to be below 3",
                "deflated of lightgbm_null is 0.9700 and has to be below 0.95",
            ],
        ),
        ("feature removed", FOUND | {"edge_t": 1.0}, ["skill_t", "side_t", "deflated"]),
        ("planted", FOUND, []),
        ("planted", NOTHING, ["side_t of lightgbm_null is 0.0000 and has to be above 3", "defl"]),
        ("volatility", FOUND, ["move_t", "side_t"]),
        ("estimated", NOTHING, []),
    ],
)
def test_what_does_not_hold_is_said(market: str, found: dict[str, Any], lines: list[str]) -> None:
    said = broken(market, {"lightgbm_null": found})
    assert len(said) == len(lines)
    assert all(line.startswith(begin) for line, begin in zip(said, lines, strict=True))


def test_only_the_model_of_sequences_finds_an_order() -> None:
    assert broken("sequence", {"lightgbm_null": NOTHING, "patchtst": FOUND}) == []
    said = broken("sequence", {"lightgbm_null": FOUND | {"edge_t": 0.0}, "patchtst": NOTHING})
    assert [line.split(" is ")[0] for line in said] == [
        "side_t of patchtst",
        *(f"{score} of lightgbm_null" for score in ("skill_t", "side_t", "deflated")),
    ]
