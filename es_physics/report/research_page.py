"""The page of research: models that have to beat a random walk."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from itertools import groupby
from math import isfinite
from pathlib import Path
from typing import Any

from markupsafe import Markup

from es_physics.report.embed import chart_json
from es_physics.report.event_text import UNKNOWN, number
from es_physics.report.neighbours import BESIDE, Answer, event_pages, event_words
from es_physics.report.page import json_script, render, source
from es_physics.report.range_charts import group_name
from es_physics.report.research_charts import (
    CLASS_ROLES,
    CLASS_SLOTS,
    FEATURE_SLOTS,
    Forest,
    research_charts,
)
from es_physics.report.research_text import (
    CANDIDATES,
    CERTAIN,
    CLEAR_T,
    MODELS,
    REFERENCE,
    counts,
    detectable_text,
    percent,
    row_name,
    t_text,
    target_words,
    thousandths,
    verdict,
)
from es_physics.report.research_view import ResearchView, Row, Study, target_place
from es_physics.report.statistics import wilson_interval

RESEARCH_FILE = "research.html"
"""The name of the page."""

_SHOWN_NEIGHBOURS = 12
_SHOWN_FEATURES = 20
_MOST_DETAILS = 900_000
_STUDY_BYTES = 24_000
"""Bytes of what the page's script is given, about, and of the tables of one study of them: with the
chart library the page stays below 2.5 MB."""


def research_page(view: ResearchView, folder: Path) -> str:
    """The page as HTML. `folder` is where it will lie: sessions with a page there are linked."""
    pages = {path.name for path in folder.glob("*.html")}
    several = len({study.run_id for study in view.studies}) > 1
    charts = (
        {name: chart_json(chart) for name, chart in research_charts().items()}
        if view.studies
        else {}
    )
    return render(
        "research.html",
        bokeh=bool(charts),
        research_css=source("research.css"),
        research_js=source("research.js"),
        view=view,
        range_text=_range_text(view),
        sentences=[
            _sentence(list(studies))
            for _, studies in groupby(view.studies, key=lambda study: study.target)
        ],
        studies=[_study_text(study, several) for study in view.studies],
        trials=_trial_rows(view.trials),
        failures=sorted(
            {
                f"{row['target']}, {row['model']} on {row['feature_set']}: {row['reason']}"
                for row in view.trials
                if row["status"] == "failed"
            }
        ),
        certain=f"{CERTAIN:g}",
        clear_t=f"{CLEAR_T:g}",
        class_slots=range(CLASS_SLOTS),
        feature_slots=range(FEATURE_SLOTS),
        charts={name: Markup(text) for name, text in charts.items()},
        data_json=json_script(_data(view, pages)),
    )


def _range_text(view: ResearchView) -> str:
    if view.gold is None:
        return ""
    days = [one["session_date"] for one in view.gold.record["inputs"].get("sessions", [])]
    return f"{len(days)} sessions from {min(days)} to {max(days)}" if days else "no sessions"


def study_name(study: Study, several: bool) -> str:
    """A target, and of which run if there are several."""
    return study.target + (f", run {study.run_id}" if several else "")


def _sentence(studies: Sequence[Study]) -> Row:
    """What the runs of one target come to, of the best candidate of all of them."""
    target = studies[0].target
    said: Row = {"name": target, "words": target_words(target)}
    with_best = [study for study in studies if study.best]
    if not with_best:
        reference = next((row for row in studies[0].scores if row["model"] == REFERENCE), {})
        return said | {
            "css": "none",
            "verdict": "no candidate has a score",
            "detail": counts(reference),
        }
    study = max(with_best, key=lambda study: study.best["skill"] if study.best else 0.0)
    best = study.best or {}
    found = verdict(best)
    of_run = f" of run {study.run_id}" if len(studies) > 1 else ""
    return said | {
        "css": found.css,
        "verdict": found.words,
        "detail": f"Best of {_tried(best)}: {row_name(best)}{of_run}, skill"
        f" {percent(best['skill'], signed=True)} ({_interval(best, 'skill_low', 'skill_high')},"
        f" 95 %), deflated {number(best['deflated'], 3)}; {counts(best)}.",
    }


def _tried(row: Row) -> str:
    trials = row["trials"]
    return UNKNOWN if trials is None else f"{trials} candidate{'s' * (trials != 1)} tried"


def _interval(row: Row, low: str, high: str) -> str:
    if row[low] is None or row[high] is None:
        return UNKNOWN
    return (
        f"{number(100 * row[low], 2, signed=True)} to {number(100 * row[high], 2, signed=True)} %"
    )


def _study_text(study: Study, several: bool) -> Row:
    return {
        "name": study_name(study, several),
        "target": study.target,
        "words": target_words(study.target),
        "run": study.run_id,
        "glance": _glance(study),
        "ablations": _ablations(study),
        "edge": _edge(study),
        "similarity": _similarity(study),
        "nearest_is_worse": _nearest_is_worse(study.tables["similarity"]),
        "skipped": study.skipped,
    }


def _chosen(study: Study) -> int:
    """The place of the model that the page opens with: the best candidate, else the first."""
    return study.shown.index(study.best) if study.best else 0


def _glance(study: Study) -> list[Row]:
    fitted = [row for row in study.glance if row["model"] in CANDIDATES | {"null", "null_knn"}]
    forest = Forest.of(row[name] for row in fitted for name in ("skill_low", "skill_high", "skill"))
    rows = []
    for row in study.glance:
        said = verdict(row)
        losses = study.log_losses.get((row["model"], row["feature_set"]), {})
        is_reference = row["model"] == REFERENCE
        rows.append(
            {
                "name": row_name(row),
                "words": MODELS.get(row["model"], ""),
                "is_reference": is_reference,
                "forest": ""
                if is_reference or row["skill"] is None
                else forest.cell(
                    row["skill"],
                    row["skill_low"],
                    row["skill_high"],
                    "flow" if row["model"] in CANDIDATES else "chop",
                ),
                "skill": percent(row["skill"], signed=True),
                "interval": UNKNOWN if is_reference else _interval(row, "skill_low", "skill_high"),
                "css": said.css if row["model"] in CANDIDATES else "none",
                "verdict": said.words,
                "t": number(row["skill_t"], 1, signed=True),
                "z": number(row["skill_z"], 1, signed=True),
                "log_loss": number(row["log_loss"], 4),
                "losses": [
                    number(losses.get(f"loss_{name}"), 4)
                    for name in (REFERENCE, "null", "base_rate")
                ],
                "gains": [
                    (thousandths(row[f"gain_{part}"]), t_text(row[f"{part}_t"]))
                    for part in ("move", "side")
                ],
                "deflated": number(row["deflated"], 3) if row["model"] in CANDIDATES else UNKNOWN,
                "trials": number(row["trials"], 0) if row["model"] in CANDIDATES else "",
                "detectable": detectable_text(row),
                "brier": number(row["brier"], 4),
                "ece": percent(row["ece"], 1),
                "events": f"{row['events']:,}",
                "effective_n": number(row["effective_n"], 1),
                "sessions": f"{row['sessions']:,}",
            }
        )
    return rows


def _ablations(study: Study) -> list[Row]:
    found = study.tables["ablations"]
    forest = Forest.of(row[name] for row in found for name in ("difference_low", "difference_high"))
    return [
        {
            "name": row_name(row),
            "skill": percent(row["skill"], signed=True),
            "full": percent(row["skill_full"], signed=True),
            "difference": percent(row["difference"], signed=True),
            "interval": _interval(row, "difference_low", "difference_high"),
            "forest": ""
            if row["difference"] is None
            else forest.cell(
                row["difference"], row["difference_low"], row["difference_high"], "flow"
            ),
            "counts": counts(row),
        }
        for row in found
    ]


def _edge(study: Study) -> list[Row]:
    return [
        {
            "name": row_name(row),
            "events": f"{row['events']:,}",
            "acted": f"{row['acted']:,}",
            "sessions": f"{row['sessions']:,}",
            "net": number(row["mean_net_points"], 3, signed=True),
            "t": number(row["t"], 1, signed=True),
        }
        for row in study.tables["edge"]
    ]


def _similarity(study: Study) -> list[Row]:
    return [
        {
            "quartile": f"{row['quartile']}"
            + {1: " (nearest)", 4: " (farthest)"}.get(row["quartile"], ""),
            "on": row["feature_set"],
            "skill": percent(row["skill"], signed=True),
            "counts": counts(row),
        }
        for row in sorted(
            study.tables["similarity"], key=lambda row: (row["feature_set"], row["quartile"])
        )
    ]


def _nearest_is_worse(rows: Sequence[Row]) -> bool:
    """Whether on any set of features the nearest quarter has less skill than the farthest."""
    skill = {(row["feature_set"], row["quartile"]): row["skill"] for row in rows}
    return any(
        near < far
        for (features, quartile), near in skill.items()
        if quartile == 1 and near is not None and (far := skill.get((features, 4))) is not None
    )


def _trial_rows(trials: Sequence[Row]) -> list[Row]:
    """Trials by target, model and set: how many runs ended and how many failed."""
    found: dict[tuple[str, str, str], dict[str, int]] = {}
    for row in trials:
        held = found.setdefault((row["target"], row["model"], row["feature_set"]), {})
        held[row["status"]] = held.get(row["status"], 0) + 1
    return [
        {
            "target": target,
            "name": row_name({"model": model, "feature_set": features}),
            "done": held.get("done", 0),
            "failed": held.get("failed", 0),
        }
        for (target, model, features), held in sorted(
            found.items(), key=lambda one: (target_place(one[0][0]), one[0])
        )
    ]


def _data(view: ResearchView, pages: Collection[str]) -> Row:
    """What the page's script shows of the chosen model and event.

    Details stop at a size that keeps the page below its limit, those of the later targets first.
    """
    entries: dict[str, int] = {}
    studies: list[Row] = []
    size = _STUDY_BYTES * len(view.studies)
    for study in view.studies:
        data = _study_data(study, entries)
        size += len(json_script(data))
        if size > _MOST_DETAILS:
            data |= {"models": [_without_details(model) for model in data["models"]]}
        studies.append(data)
    return {
        "studies": studies,
        "roles": list(CLASS_ROLES),
        "entries": [_entry(view.events.get(name), name, pages) for name in entries],
    }


def _entry(event: Row | None, name: str, pages: Collection[str]) -> list[str]:
    """An event in words, its id, and its page if there is one."""
    if event is None:
        return [name, name, ""]
    page = next((page for page in event_pages(event) if page in pages), "")
    return [event_words(event), name, page]


def _study_data(study: Study, entries: dict[str, int]) -> Row:
    sessions = {
        row["session_date"]: row["events"]
        for row in study.tables["session_gains"]
        if row["model"] == REFERENCE
    }
    days = sorted(sessions)
    return {
        "classes": study.classes,
        "days": [str(day) for day in days],
        "events": [sessions[day] for day in days],
        "models": [_model_data(study, row, days) for row in study.shown],
        "chosen": _chosen(study),
        "reference": next(
            (at for at, row in enumerate(study.shown) if row["model"] == REFERENCE), None
        ),
        "answers": [_answer_data(answer, entries) for answer in study.answers],
        "answerable": study.answerable,
        "words": {name: f"{name}: {MODELS[name]}" for name in (*BESIDE, "knn")},
    }


def _model_data(study: Study, row: Row, days: Sequence[date]) -> Row:
    def mine(rows: Sequence[Row]) -> list[Row]:
        keys = ("model", "feature_set")
        return [one for one in rows if all(one[key] == row[key] for key in keys)]

    reliability = mine(study.tables["reliability"])
    importances = _importances(mine(study.importances))
    return {
        "name": row_name(row),
        "isCandidate": row["model"] in CANDIDATES,
        "counts": counts(row),
        "calibration": _calibration_text(mine(study.calibration)),
        "reliability": [
            _bins([one for one in reliability if one["class"] == name]) for name in study.classes
        ],
        "gains": _gains(mine(study.tables["session_gains"]), days),
        "strata": [_stratum(one) for one in mine(study.strata)],
        "leansOn": "coefficients" if row["model"] == "logit" else "gain",
        "importances": importances,
        "dependence": _dependence(
            mine(study.dependence), study.classes, [name for name, *_ in importances]
        ),
    }


def _without_details(model: Row) -> Row:
    empty: Row = {"reliability": [[] for _ in model["reliability"]], "gains": []}
    empty |= {name: [] for name in ("strata", "importances", "dependence")}
    return model | empty | {"leftOut": True}


def _calibration_text(rows: Sequence[Row]) -> str:
    values = [row["a"] for row in rows if row["a"] is not None]
    if not values:
        return ""
    return (
        f"Calibration a over {len(values)} fold{'s' * (len(values) != 1)}:"
        f" {number(min(values), 2)} to {number(max(values), 2)}, mean"
        f" {number(sum(values) / len(values), 2)} (0: nothing but the random walk;"
        " 2 throughout: more rounds)."
    )


def _bins(rows: Sequence[Row]) -> list[list[float | None]]:
    """Per bin: said, came, the interval of what came at effective n, events, effective n."""
    found = []
    for row in sorted(rows, key=lambda row: row["bin"]):
        weight, share = row["weight"], row["share"]
        interval = wilson_interval(min(share * weight, weight), weight)
        found.append(
            [_short(value) for value in (row["mean_p"], share, interval.low, interval.high)]
            + [row["events"], _short(weight)]
        )
    return found


def _gains(rows: Sequence[Row], days: Sequence[date]) -> list[list[float | None]]:
    """Per day: gain over the reference in nats, and per entry in thousandths; None without any."""
    found: dict[date, list[float | None]] = {}
    for row in rows:
        # What is left of sums of floats is no gain.
        gain = round(row["loss_null_calibrated"] - row["loss"], 9)
        per_entry = 1000 * gain / row["weight"] if row["weight"] else None
        found[row["session_date"]] = [_short(gain), _short(per_entry)]
    return [found.get(day, [None, None]) for day in days]


def _stratum(row: Row) -> list[str]:
    """Kind, name, skill, its interval, events, effective n, sessions; below 50 only the counts."""
    return [
        row["stratum_kind"],
        _stratum_name(row["stratum_kind"], str(row["stratum"])),
        percent(row["skill"], signed=True),
        _interval(row, "skill_low", "skill_high"),
        f"{thousandths(row['gain_side'])} ({t_text(row['side_t'])})",
        f"{row['events']:,}",
        number(row["effective_n"], 1),
        f"{row['sessions']:,}",
    ]


def _stratum_name(kind: str, name: str) -> str:
    if kind == "level_kind_direction":
        for direction in ("UP", "DOWN"):
            if name.endswith(direction):
                return group_name(name[: -len(direction)].rstrip(" _"), direction)
    return name


def _importances(rows: Sequence[Row]) -> list[list[Any]]:
    """Per feature, the most important first: mean share, least and most, folds.

    The share is of the trees' gain, or of the sum of the sizes of all coefficients.
    """
    sizes: dict[int, dict[str, float]] = {}
    for row in rows:
        size = row["gain"] if row["gain"] is not None else row["coefficient"]
        if size is not None:
            of_fold = sizes.setdefault(row["fold"], {})
            of_fold[row["feature"]] = of_fold.get(row["feature"], 0.0) + abs(size)
    shares: dict[str, list[float]] = {}
    for of_fold in sizes.values():
        total = sum(of_fold.values())
        for feature, size in of_fold.items():
            shares.setdefault(feature, []).append(size / total if total else 0.0)
    ranked = sorted(
        ((sum(of) / len(of), name, of) for name, of in shares.items()),
        key=lambda one: (-one[0], one[1]),
    )
    return [
        [name, _short(mean), _short(min(of)), _short(max(of)), len(of)]
        for mean, name, of in ranked[:_SHOWN_FEATURES]
        if mean > 0
    ]


def _dependence(rows: Sequence[Row], classes: Sequence[str], ranked: Sequence[str]) -> list[Row]:
    """Per feature, the most important first: values, and the mean chance of each class at each."""
    found: dict[str, dict[float, dict[str, float]]] = {}
    for row in rows:
        if row["value"] is not None:
            found.setdefault(row["feature"], {}).setdefault(row["value"], {})[row["class"]] = row[
                "p"
            ]
    return [
        {
            "feature": feature,
            "value": [_short(value) for value in sorted(points)],
            "p": [[_short(points[value].get(one)) for value in sorted(points)] for one in classes],
        }
        for feature, points in sorted(
            found.items(),
            key=lambda one: (ranked.index(one[0]) if one[0] in ranked else len(ranked), one[0]),
        )[:FEATURE_SLOTS]
    ]


def _answer_data(answer: Answer, entries: dict[str, int]) -> Row:
    def place(name: str) -> int:
        return entries.setdefault(name, len(entries))

    classes = list(answer.shares)
    return {
        "event": place(answer.event["event_id"]),
        "outcome": answer.outcome,
        "classes": classes,
        "odds": [
            [model, *(percent(odds.get(one), 1) for one in classes)]
            for model, odds in answer.odds.items()
        ],
        "shares": [percent(answer.shares[one], 1) for one in classes],
        "count": len(answer.neighbours),
        "effective_n": number(answer.effective_n, 1),
        "neighbours": [
            [
                place(row["neighbour_event_id"]),
                number(row["distance"], 3),
                number(row["weight"], 3),
                row["outcome"],
                number(row["mfe_atr"], 2),
                number(row["mae_atr"], 2),
                number(row["scaled_time"], 0),
            ]
            for row in answer.neighbours[:_SHOWN_NEIGHBOURS]
        ],
    }


def _short(value: float | None) -> float | None:
    """Four digits: what a chart can show."""
    return float(f"{value:.4g}") if value is not None and isfinite(value) else None
