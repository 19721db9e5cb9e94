"""The model of sequences: what it sees, where it begins, what it finds, and the same each time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from research.made_gold import make_gold
from research.made_rows import made_rows

import es_physics.cli
from es_physics.research import errors, patchtst
from es_physics.research.models import MODELS
from es_physics.research.patchtst import ChannelScale, PatchTST, initial_parameters, logits
from es_physics.research.rows import Rows

CHANNEL = 1


def ordered_rows(count: int, seed: int) -> Rows:
    """Events whose side only the order of one channel tells: up before down, or down before up."""
    rng = np.random.default_rng(seed)
    rows = made_rows(count, seed=seed)
    side = rng.choice([-1, 1], count)
    sequences = rng.normal(size=(count, 4, 40))
    first = rng.integers(0, 4, count)[:, None] + np.arange(0, 36, 4)
    event = np.arange(count)[:, None]
    sequences[event, CHANNEL, first] += 3 * side[:, None]
    sequences[event, CHANNEL, first + 1] -= 3 * side[:, None]
    return replace(rows, y=np.where(side > 0, 0, 1), sequences=sequences)


def test_channels_are_scaled_by_what_is_known_of_them() -> None:
    sequences = np.zeros((2, 4, 40))
    sequences[:, 0] = np.arange(80).reshape(2, 40)
    sequences[:, 1] = 5.0
    sequences[:, 2] = np.nan
    sequences[0, 3, :5] = [np.nan, -2, 2, 6, 10]
    scale = ChannelScale.of(sequences)
    assert scale.median.tolist() == [39.5, 5.0, 0.0, 0.0]
    assert scale.iqr.tolist() == [39.5, 0.0, 0.0, 0.0]
    scaled = scale.scaled(sequences)
    assert scaled.dtype == np.float32
    assert scaled[:, 0].ravel() == pytest.approx((np.arange(80) - 39.5) / 39.5, rel=1e-6)
    assert not scaled[:, 1:].any()
    known = np.where(np.arange(40) % 4 == 0, np.nan, np.arange(40) % 4) * np.ones((1, 4, 1))
    of_known = ChannelScale.of(known)
    assert (of_known.median[0], of_known.iqr[0]) == (2.0, 2.0)
    assert of_known.scaled(known)[0, 0, :4].tolist() == [0.0, -0.5, 0.0, 0.5]


def test_training_begins_at_the_random_walk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patchtst, "EPOCHS", 0)
    rows = ordered_rows(300, 1)
    p = PatchTST.fit(rows).predict(rows)
    assert p.dtype == np.float64
    assert p == pytest.approx(rows.p_null, rel=1e-12)


def test_channels_pass_the_encoder_by_themselves_in_patches_of_eight_steps() -> None:
    rng = np.random.default_rng(7)
    parameters = initial_parameters(rng, 2)
    # The head reads one channel only.
    parameters["head"]["w"][patchtst.WIDTH : 2 * patchtst.WIDTH] = 1.0
    parameters["norm"]["g"] = rng.normal(size=patchtst.WIDTH).astype(np.float32)
    x = rng.normal(size=(3, 4, 40)).astype(np.float32)
    before = np.asarray(logits(parameters, x))
    other, same = x.copy(), x.copy()
    other[:, [0, 2, 3]] += 1.0
    same[:, 1, 39] += 1.0
    assert np.asarray(logits(parameters, other)) == pytest.approx(before, abs=1e-5)
    assert np.abs(np.asarray(logits(parameters, same)) - before).min() > 1e-3
    patches = patchtst._patches(np.arange(160.0).reshape(1, 4, 40))
    assert patches.shape == (4, 9, 8)
    assert patches[1, 8].tolist() == [*range(72, 80)]
    assert patches[0, 1].tolist() == [*range(4, 12)]


def test_it_finds_what_only_the_order_of_steps_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patchtst, "EPOCHS", 10)
    train, test = ordered_rows(700, 1), ordered_rows(300, 2)
    p = PatchTST.fit(train).predict(test)
    assert (p.argmax(axis=1) == test.y).mean() > 0.8
    assert p.sum(axis=1) == pytest.approx(1.0, abs=1e-12)
    # Weight decides what is learned: with none for the one side, the other is all there is.
    monkeypatch.setattr(patchtst, "EPOCHS", 3)
    one_side = replace(train, weight=np.where(train.y == 0, 1.0, 0.0))
    assert (PatchTST.fit(one_side).predict(test).argmax(axis=1) == 0).mean() > 0.9


def test_a_run_calibrates_counts_and_repeats_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(patchtst, "EPOCHS", 1)
    monkeypatch.setitem(MODELS, "patchtst", replace(MODELS["patchtst"], least_train=200))
    found = []
    for name in ("one", "two"):
        root = tmp_path / name
        make_gold(root)
        monkeypatch.setenv("ES_GOLD_ROOT", str(root))
        assert es_physics.cli.main(["research", "--models", "patchtst"]) == 0, capsys.readouterr()
        (run,) = (root / "runs").iterdir()
        found.append((run.name, (run / "predictions.parquet").read_bytes()))
        trials = pl.read_parquet(root / "trials.parquet")
        assert trials.select("model", "feature_set", "status").rows() == [
            ("patchtst", "sequences", "done")
        ]
        answers = pl.read_parquet(run / "predictions.parquet").filter(model="patchtst")
        assert answers["fold"].n_unique() == 2
        a = pl.read_parquet(run / "calibration.parquet").filter(model="patchtst")["a"]
        assert a.is_between(0, 2).all()
    assert found[0] == found[1]


def test_without_its_extra_it_is_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make_gold(tmp_path)
    monkeypatch.setenv("ES_GOLD_ROOT", str(tmp_path))
    monkeypatch.setattr(errors, "find_spec", lambda name: None if name == "jax" else name)
    assert es_physics.cli.main(["research", "--models", "patchtst"]) == 2
    assert capsys.readouterr().err == (
        "error: model patchtst takes jax, which the extra sequences installs:"
        " pip install 'es-physics[sequences]'\n"
    )
    assert not (tmp_path / "runs").exists()
