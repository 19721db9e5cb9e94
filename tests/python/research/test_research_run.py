"""The command `es-physics research` on made gold: what it leaves, and what it refuses."""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from research.made_gold import make_gold

import es_physics.cli
from es_physics.research import errors, walk_forward
from es_physics.research.models import MODELS

Command = Callable[..., tuple[int, str, str]]
KEY = ["run_id", "fold", "target", "model", "feature_set", "event_id", "class"]


@pytest.fixture
def research(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """`es-physics research` below a gold root, within this process."""

    def run(root: Path, *arguments: str) -> tuple[int, str, str]:
        monkeypatch.setenv("ES_GOLD_ROOT", str(root))
        capsys.readouterr()
        code = es_physics.cli.main(["research", *arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def run_folder(root: Path) -> Path:
    (folder,) = (root / "runs").iterdir()
    return folder


def table(root: Path, name: str) -> pl.DataFrame:
    return pl.read_parquet(run_folder(root) / f"{name}.parquet")


def trials(root: Path) -> pl.DataFrame:
    return pl.read_parquet(root / "trials.parquet")


def losses(root: Path, tables: dict[str, pa.Table]) -> dict[str, float]:
    """Weighted log loss of the target scaled by model and set of features."""
    targets = pl.from_arrow(tables["event_targets"]).filter(pl.col("target") == "scaled")
    told = table(root, "predictions").join(
        targets.select("event_id", "target", "weight", came="class"), on=["event_id", "target"]
    )
    told = told.filter(pl.col("class") == pl.col("came"))
    loss = -(pl.col("p").log() * pl.col("weight")).sum() / pl.col("weight").sum()
    found = told.group_by("model", "feature_set").agg(loss=loss)
    return {f"{model} {name}": value for model, name, value in found.rows()}


@pytest.fixture(scope="module")
def whole(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, dict[str, pa.Table]]:
    """A run of everything on a market with an effect: its root, and the gold."""
    root = tmp_path_factory.mktemp("gold")
    tables = make_gold(root, sessions=30, events=40, effect=1.2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ES_GOLD_ROOT", str(root))
        assert es_physics.cli.main(["research", "--target", "tradeable_2", "scaled"]) == 0
    return root, tables


def test_every_model_answers_every_tested_event_once(whole) -> None:
    root, tables = whole
    predictions = table(root, "predictions")
    assert predictions.columns == [*KEY, "p_raw", "p"]
    assert not predictions.select(KEY).is_duplicated().any()
    assert predictions.equals(predictions.sort(KEY))
    answers = predictions.group_by(KEY[:-1], maintain_order=True).agg(
        pl.col("p", "p_raw").sum(), n=pl.len()
    )
    assert answers["p"].to_numpy() == pytest.approx(np.ones(answers.height), abs=1e-12)
    assert answers["p_raw"].to_numpy() == pytest.approx(np.ones(answers.height), abs=1e-9)
    tested = pl.from_arrow(tables["folds"]).filter(pl.col("role") == "test")
    scored = (
        pl.from_arrow(tables["event_targets"])
        .filter("is_scored")
        .join(
            pl.from_arrow(tables["event_matrix"]).select("event_id", "session_date"), on="event_id"
        )
        .join(tested, on="session_date")
    )
    fits = {
        ("base_rate", "none"),
        ("tod_rate", "none"),
        ("null", "none"),
        ("null_calibrated", "none"),
        ("logit", "full"),
        ("lightgbm", "full"),
        ("lightgbm_null", "full"),
        ("lightgbm_null", "stage_a"),
        ("knn", "full"),
        ("null_knn", "full"),
    }
    for key, found in answers.group_by("target", "fold", maintain_order=True):
        wanted = scored.filter(pl.col("target") == key[0], pl.col("fold") == key[1])["event_id"]
        assert set(found.select("model", "feature_set").rows()) == fits
        for _, one in found.group_by("model", "feature_set", maintain_order=True):
            assert one["event_id"].to_list() == sorted(wanted)
    assert set(answers["target"]) == {"scaled", "tradeable_2"}
    assert answers["fold"].n_unique() == 4


def test_the_null_is_handed_on_and_the_others_are_drawn_to_its_calibrated_form(whole) -> None:
    root, tables = whole
    answers = table(root, "predictions").filter(pl.col("target") == "scaled")
    given = pl.from_arrow(tables["event_targets"]).filter(pl.col("target") == "scaled")
    null = (
        given.drop("class")
        .unpivot(
            ["p_null_break", "p_null_bounce", "p_null_chop"],
            index="event_id",
            variable_name="class",
            value_name="p_null",
        )
        .with_columns(pl.col("class").str.strip_prefix("p_null_").str.to_uppercase())
    )
    of_null = answers.filter(pl.col("model") == "null").join(null, on=["event_id", "class"])
    assert of_null["p"].equals(of_null["p_null"])
    calibration = table(root, "calibration").filter(pl.col("target") == "scaled")
    q = answers.filter(pl.col("model") == "null_calibrated").select(
        "fold", "event_id", "class", q="p"
    )
    drawn = (
        answers.join(calibration.select(*KEY[1:5], "a").drop_nulls(), on=KEY[1:5])
        .join(q, on=["fold", "event_id", "class"])
        .with_columns(z=pl.col("q").log() + pl.col("a") * (pl.col("p_raw") / pl.col("q")).log())
        .with_columns(z=pl.col("z").exp() / pl.col("z").exp().sum().over(KEY[1:6]))
    )
    assert drawn["p"].to_numpy() == pytest.approx(drawn["z"].to_numpy(), rel=1e-9)
    assert set(drawn["model"]) == {name for name, one in MODELS.items() if one.is_calibrated} - {
        "patchtst"
    }
    assert calibration["a"].is_between(0, 2).all() or calibration["a"].null_count()
    nulls = calibration.filter(pl.col("model") == "null_calibrated")
    assert nulls["bias_chop"].to_list() == [0.0] * 4
    assert nulls["slope"].null_count() == nulls["bias_break"].null_count() == 0
    # Training and calibration, fold after fold four sessions more.
    assert nulls["events"].is_sorted()
    # A fitted model is told from the calibration sessions of all folds so far.
    counted = calibration.filter(pl.col("model") == "knn").sort("fold")["events"].to_list()
    assert counted == [pytest.approx(one * counted[0], rel=0.1) for one in (1, 2, 3, 4)]


def test_an_effect_is_found_with_its_feature_and_not_without(whole) -> None:
    root, tables = whole
    loss = losses(root, tables)
    # The penalty holds the logit back with so few events.
    for model, gain in {"logit": 0.003, "lightgbm": 0.1, "lightgbm_null": 0.1, "knn": 0.02}.items():
        assert loss[f"{model} full"] < loss["null_calibrated none"] - gain, model
    for model in ("lightgbm_null stage_a", "null_knn full"):
        assert loss[model] > loss["null_calibrated none"] - 0.01, model
    importances = table(root, "importances").filter(pl.col("target") == "scaled")
    shares = importances.filter(pl.col("model") == "lightgbm_null", pl.col("feature_set") == "full")
    assert shares.group_by("fold").agg(pl.col("gain").sum())["gain"].to_list() == pytest.approx(
        [1] * 4
    )
    assert set(shares.sort("gain", descending=True).group_by("fold").first()["feature"]) == {
        "planted"
    }
    assert "nowhere" not in importances["feature"]
    curve = table(root, "partial_dependence").filter(
        pl.col("target") == "scaled", pl.col("feature") == "planted", pl.col("class") == "BREAK"
    )
    low, high = curve.filter(pl.col("value") < 0)["p"], curve.filter(pl.col("value") > 0)["p"]
    assert low.max() < high.min() - 0.05


def test_neighbours_are_earlier_events_nearest_first(whole) -> None:
    root, tables = whole
    found = table(root, "neighbours").filter(pl.col("target") == "scaled")
    places = pl.from_arrow(tables["event_outcomes"]).select(
        "event_id", "session_date", "level_family", "dir_sign", "mfe_atr"
    )
    joined = found.join(places, on="event_id").join(
        places.rename({"event_id": "neighbour_event_id"}), on="neighbour_event_id", suffix="_2"
    )
    assert joined.height == found.height > 0
    assert (joined["session_date_2"] < joined["session_date"]).all()
    assert joined["level_family"].equals(joined["level_family_2"])
    assert joined["dir_sign"].equals(joined["dir_sign_2"])
    assert joined["mfe_atr"].equals(joined["mfe_atr_2"])
    assert found.equals(found.sort("fold", "event_id", "rank"))
    steps = found.with_columns(step=pl.col("distance").diff().over("event_id"))["step"]
    assert steps.drop_nulls().min() >= 0
    assert found.group_by("event_id").agg(pl.col("rank").max())["rank"].max() <= 50
    targets = pl.from_arrow(tables["event_targets"]).filter(pl.col("target") == "scaled")
    outcomes = found.join(
        targets.select(neighbour_event_id="event_id", came="class"), on="neighbour_event_id"
    )
    assert outcomes["outcome"].equals(outcomes["came"])


def test_the_record_names_every_file_and_what_was_asked(whole) -> None:
    root, _ = whole
    record = json.loads((run_folder(root) / "run.json").read_text())
    assert record["run_id"] == run_folder(root).name
    assert re.fullmatch(r"[0-9a-f]{12}", record["run_id"])
    assert record["status"] == "done"
    assert record["arguments"]["targets"] == ["scaled", "tradeable_2"]
    assert record["unknown_features"] == ["nowhere"]
    assert {f"{name}.parquet" for name in record["files"]} | {"run.json"} == {
        path.name for path in run_folder(root).iterdir()
    }
    for name, file in record["files"].items():
        assert table(root, name).height == file["rows"]
    candidates = trials(root)
    assert set(candidates["status"]) == {"done"}
    assert sorted(candidates.select("model", "feature_set").unique().rows()) == [
        ("knn", "full"),
        ("lightgbm", "full"),
        ("lightgbm_null", "full"),
        ("lightgbm_null", "stage_a"),
        ("logit", "full"),
    ]
    assert candidates.height == 10


def test_what_is_tested_changes_no_answer(tmp_path: Path, research: Command) -> None:
    """The outcomes of the last fold's test, and of the sessions left out before, are not read."""
    make_gold(tmp_path / "one")

    def other_outcomes(targets: pa.Table) -> pa.Table:
        # From the embargo of the last fold on.
        late = pc.greater_equal(targets["event_id"], "20240122")
        moved = {"BREAK": "CHOP", "CHOP": "BOUNCE", "BOUNCE": "BREAK"}
        turned = pa.array([moved.get(one, one) for one in targets["class"].to_pylist()])
        return targets.set_column(2, "class", pc.if_else(late, turned, targets["class"]))

    make_gold(tmp_path / "other", change={"event_targets": other_outcomes})
    found = []
    for root in (tmp_path / "one", tmp_path / "other"):
        code, _, said = research(root, "--models", "lightgbm_null", "knn", "logit")
        assert code == 0, said
        found.append(table(root, "predictions").drop("run_id"))
    last = found[0]["fold"].max()
    assert found[0].filter(pl.col("fold") <= last).equals(found[1].filter(pl.col("fold") <= last))
    assert found[0]["event_id"].max() > "20240122"


def test_a_run_is_not_done_twice_and_has_the_same_bytes(tmp_path: Path, research: Command) -> None:
    make_gold(tmp_path)
    asked = ("--models", "lightgbm_null", "knn", "--feature-sets", "stage_a", "full")
    code, first, _ = research(tmp_path, "--target", "scaled", "tradeable_2", *asked)
    assert code == 0
    record = (run_folder(tmp_path) / "run.json").read_bytes()
    before = {path: path.stat().st_mtime_ns for path in run_folder(tmp_path).iterdir()}
    other_order = ("--models", "knn", "lightgbm_null", "--feature-sets", "full", "stage_a")
    code, again, _ = research(tmp_path, "--target", "tradeable_2", "scaled", *other_order)
    assert code == 0
    assert "was done before, and is not done again" in again
    assert "was done before" not in first
    assert {path: path.stat().st_mtime_ns for path in run_folder(tmp_path).iterdir()} == before
    entered = trials(tmp_path)
    neighbours = next(path for path in before if path.name == "neighbours.parquet")
    neighbours.write_bytes(neighbours.read_bytes()[::-1])
    assert (
        "was done before" not in research(tmp_path, "--target", "scaled", "tradeable_2", *asked)[1]
    )
    assert (run_folder(tmp_path) / "run.json").read_bytes() == record
    assert trials(tmp_path).equals(entered)
    assert entered.height == 8


def without(targets: pa.Table, name: str, before: str = "9") -> pa.Table:
    """The outcomes with one class made another, up to a date."""
    turned = [
        "CHOP" if one == name and event < before else one
        for event, one in zip(
            targets["event_id"].to_pylist(), targets["class"].to_pylist(), strict=True
        )
    ]
    return targets.set_column(2, "class", pa.array(turned))


def test_a_class_that_never_occurs_fails_the_run_which_counts_as_tried(
    tmp_path: Path, research: Command
) -> None:
    make_gold(tmp_path, change={"event_targets": lambda table: without(table, "BREAK")})
    code, out, said = research(tmp_path, "--models", "lightgbm_null")
    assert (code, out) == (1, "left out, as NULL throughout: nowhere\n")
    assert re.fullmatch(
        r"error: scaled: BREAK never occurs among \d+ scored events, so nothing can tell it:"
        r" make gold of a longer range, or take another target\n",
        said,
    )
    (row,) = trials(tmp_path).to_dicts()
    assert row["status"] == "failed"
    assert said == f"error: {row['reason']}\n"
    record = json.loads((run_folder(tmp_path) / "run.json").read_text())
    assert (record["status"], record["reason"]) == ("failed", row["reason"])


def test_a_fold_whose_training_lacks_a_class_is_left_out_and_said(
    tmp_path: Path, research: Command
) -> None:
    make_gold(tmp_path, change={"event_targets": lambda table: without(table, "BREAK", "20240115")})
    code, out, _ = research(tmp_path, "--models", "lightgbm_null")
    assert code == 0
    assert "1 fits skipped, the first fold 0 of lightgbm_null on full for scaled: no BREAK" in out
    predictions = table(tmp_path, "predictions")
    folds = predictions.group_by("model").agg(pl.col("fold").unique().sort())
    assert dict(folds.rows()) == {
        "base_rate": [0, 1],
        "tod_rate": [0, 1],
        "null": [0, 1],
        "null_calibrated": [0, 1],
        "lightgbm_null": [1],
    }
    record = json.loads((run_folder(tmp_path) / "run.json").read_text())
    assert [one["fold"] for one in record["skipped"]] == [0]


def test_a_fold_without_a_scored_event_to_test_or_calibrate_on_is_no_obstacle(
    tmp_path: Path, research: Command
) -> None:
    def unscored(targets: pa.Table) -> pa.Table:
        ids = targets["event_id"].to_pylist()
        # The calibration of the first of two folds, and the test of the second.
        quiet = [not ("20240114" <= one < "20240118" or one >= "20240123") for one in ids]
        return targets.set_column(9, "is_scored", pc.and_(targets["is_scored"], pa.array(quiet)))

    make_gold(tmp_path, change={"event_targets": unscored})
    code, _, said = research(tmp_path)
    assert code == 0, said
    assert set(table(tmp_path, "predictions")["fold"]) == {0}
    first = table(tmp_path, "calibration").filter(pl.col("fold") == 0, pl.col("model") == "logit")
    assert first.select("a", "events").rows() == [(0.0, 0)]


def test_a_model_that_no_fold_can_fit_has_failed(tmp_path: Path, research: Command) -> None:
    make_gold(tmp_path)
    code, _, said = research(tmp_path, "--models", "patchtst", "knn")
    assert code == 1
    assert re.fullmatch(
        r"error: scaled: patchtst on sequences: no fold could be fitted: \d+ events to train on,"
        r" and it takes 2000\n",
        said,
    )
    assert dict(trials(tmp_path).select("model", "status").rows()) == {
        "knn": "done",
        "patchtst": "failed",
    }


def test_a_run_that_is_killed_counts_as_tried(
    tmp_path: Path, research: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_gold(tmp_path)

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(walk_forward, "_fitted", interrupted)
        assert research(tmp_path, "--models", "knn")[0] == 130
    assert trials(tmp_path).select("status", "reason").rows() == [("failed", "it did not end")]
    assert research(tmp_path, "--models", "knn")[0] == 0
    assert trials(tmp_path).select("status", "reason").rows() == [("done", None)]


def test_a_run_is_done_by_one_process_at_a_time_and_outlives_a_collection(
    tmp_path: Path, research: Command
) -> None:
    make_gold(tmp_path)
    code, out, said = research(tmp_path, "--models", "knn", "--json")
    assert (code, said) == (
        0,
        "left out, as NULL throughout: nowhere\nscaled: 2 folds, 157 events tested\n",
    )
    record = run_folder(tmp_path) / "run.json"
    assert json.loads(out) == json.loads(record.read_text())
    entered = trials(tmp_path)
    (tmp_path / "silver" / "_commits").mkdir(parents=True)
    assert (
        es_physics.cli.main(["gc", "--older-than", "0", "--silver-root", str(tmp_path / "silver")])
        == 0
    )
    assert trials(tmp_path).equals(entered)
    assert json.loads(out)["files"].keys() == {
        path.stem for path in run_folder(tmp_path).glob("*.parquet")
    }
    record.unlink()
    descriptor = os.open(run_folder(tmp_path), os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        code, _, said = research(tmp_path, "--models", "knn")
    finally:
        os.close(descriptor)
    assert code == 1
    assert said == f"error: run {record.parent.name} is being done by another process; wait\n"
    assert trials(tmp_path).equals(entered)


def damage(root: Path, name: str) -> None:
    record = json.loads((root / "_commits" / "gold.json").read_text())
    (root / record["outputs"][name]["file"]).write_bytes(b"no Parquet")


def drop(root: Path, name: str) -> None:
    path = root / "_commits" / "gold.json"
    record = json.loads(path.read_text())
    del record["outputs"][name]
    path.write_text(json.dumps(record))


@pytest.mark.parametrize(
    ("spoil", "arguments", "code", "line"),
    [
        (lambda root: damage(root, "folds"), (), 1, "gold's folds does not match its sha256"),
        (lambda root: drop(root, "event_outcomes"), (), 1, "has no table event_outcomes; make it"),
        (lambda root: (root / "_commits/gold.json").unlink(), (), 1, "no gold is published below"),
        (
            lambda root: (root / "_commits/gold.json").write_text("{"),
            (),
            1,
            "is no commit record of this version",
        ),
        (
            lambda root: (root / "trials.parquet").write_text("x"),
            ("--models", "knn"),
            1,
            "holds all trials and cannot be read",
        ),
        (
            lambda root: make_gold(root, sessions=17),
            (),
            1,
            "gold of 17 sessions has no fold: the first takes min_train 12 +"
            " calibration_sessions 4 + embargo_sessions 1 with a cash session and one more",
        ),
        (lambda root: None, ("--target", "break_1_6s"), 2, "is break_1_60s meant?"),
        (lambda root: None, ("--feature-sets", "fuil"), 2, "no set of features 'fuil'; is full"),
        (lambda root: None, ("--target", "fixed"), 1, "none of gold's events is scored"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    spoil: Callable[[Path], object],
    arguments: tuple[str, ...],
    code: int,
    line: str,
    tmp_path: Path,
    research: Command,
) -> None:
    make_gold(tmp_path)
    spoil(tmp_path)
    found, _, said = research(tmp_path, *arguments)
    assert found == code
    assert re.fullmatch(r"error: .*\n", said)
    assert line in said
    trial_file = tmp_path / "trials.parquet"
    if trial_file.is_file() and trial_file.read_bytes() == b"x":
        assert not list((tmp_path / "runs").glob("*/run.json"))


def test_an_extra_that_is_not_installed_is_named(
    tmp_path: Path, research: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_gold(tmp_path)
    monkeypatch.setattr(errors, "find_spec", lambda name: None if name == "lightgbm" else name)
    assert research(tmp_path) == (
        2,
        "",
        "error: es-physics research takes lightgbm, which the extra research installs:"
        " pip install 'es-physics[research]'\n",
    )
    assert not (tmp_path / "runs").exists()
