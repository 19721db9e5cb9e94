"""Every table of scores, of a run's predictions (section 24)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from reference_research import by_session, losses, ranking
from reference_research.edge import Payoffs, edge
from reference_research.inputs import (
    OF_BARRIERS,
    Doubles,
    Examples,
    Gold,
    Ints,
    classes_of,
    examples,
)

CANDIDATES = ("logit", "lightgbm", "lightgbm_null", "knn", "patchtst")
REFERENCES = ("base_rate", "null", "null_calibrated")
LEAST_EFFECTIVE = 50.0

_OF = ["run_id", "target", "model", "feature_set"]
SCORE_KEYS = {
    "session_gains": [*_OF, "session_date"],
    "scores": [*_OF, "stratum_kind", "stratum"],
    "reliability": [*_OF, "class", "bin"],
    "ablations": _OF,
    "edge": _OF,
    "similarity": ["run_id", "target", "feature_set", "quartile"],
}
"""What a row of each table of scores is known by."""

Row = dict[str, Any]
Key = tuple[str, str, str, str]


@dataclass(frozen=True)
class Judged:
    """What a model, and the references beside it, say of the events that it predicts."""

    target: str
    p: Doubles
    references: Mapping[str, Doubles]
    y: Ints
    weight: Doubles
    session: NDArray[np.object_]
    event_id: NDArray[np.str_]
    strata: Mapping[str, NDArray[np.str_]]

    def where(self, chosen: NDArray[np.bool_]) -> Judged:
        return Judged(
            self.target,
            self.p[chosen],
            {name: p[chosen] for name, p in self.references.items()},
            self.y[chosen],
            self.weight[chosen],
            self.session[chosen],
            self.event_id[chosen],
            {kind: names[chosen] for kind, names in self.strata.items()},
        )

    @property
    def walk(self) -> Doubles:
        return self.references["null_calibrated"]

    def loss(self) -> Doubles:
        return losses.log_losses(self.p, self.y)

    def loss_of(self, reference: str) -> Doubles:
        return losses.log_losses(self.references[reference], self.y)

    def days(self) -> list[Any]:
        return sorted(set(self.session))

    def sums(self, values: Doubles) -> Doubles:
        """Weighted sums, a session each."""
        product = self.weight * values
        return np.array([math.fsum(product[self.session == day]) for day in self.days()])

    def mean(self, values: Doubles) -> float:
        return math.fsum(self.weight * values) / math.fsum(self.weight)

    def session_means(self, values: Doubles) -> list[float]:
        return (self.sums(values) / self.sums(np.ones(len(values)))).tolist()


def skill_of(judged: Judged) -> float:
    return 1 - judged.mean(judged.loss()) / judged.mean(judged.loss_of("null_calibrated"))


def score(judged: Judged, trials: int) -> Row:
    """All scores of a stratum; below fifty effective events only how many there are."""
    row: Row = {
        "events": len(judged.y),
        "effective_n": math.fsum(judged.weight),
        "sessions": len(judged.days()),
        "trials": trials,
    }
    if row["effective_n"] < LEAST_EFFECTIVE:
        return row
    loss, of_walk = judged.loss(), judged.loss_of("null_calibrated")
    row["log_loss"] = judged.mean(loss)
    row |= {f"log_loss_{name}": judged.mean(judged.loss_of(name)) for name in REFERENCES}
    row["brier"] = judged.mean(losses.brier_scores(judged.p, judged.y))
    row |= ranked(judged)
    gain = of_walk - loss
    sums, weights = judged.sums(gain), judged.sums(np.ones(len(gain)))
    error = by_session.clustered_error(sums.tolist(), weights.tolist())
    row["skill"] = skill_of(judged)
    resampled = by_session.resampled_skill(judged.sums(loss), judged.sums(of_walk))
    row["skill_low"], row["skill_high"] = by_session.middle(resampled)
    level = judged.mean(of_walk)
    if error is not None:
        row["detectable"] = by_session.DETECTABLE_ERRORS * error / level
    if abs(row["skill"]) >= by_session.SMALLEST_SKILL:
        means = judged.session_means(gain)
        row["skill_t"] = by_session.t_of(means)
        row["skill_z"] = judged.mean(gain) / error if error else None
        row["deflated"] = by_session.deflated_of(means, trials)
    if judged.target in OF_BARRIERS:
        for name, losses_of in (("move", losses.move_losses), ("side", losses.side_losses)):
            part = losses_of(judged.walk, judged.y) - losses_of(judged.p, judged.y)
            row[f"gain_{name}"] = judged.mean(part)
            if abs(row[f"gain_{name}"]) / level >= by_session.SMALLEST_SKILL:
                row[f"{name}_t"] = by_session.t_of(judged.session_means(part))
    return row


def ranked(judged: Judged) -> Row:
    """Scores of each class on its own, and what is made of them."""
    row: Row = {}
    errors, of_walk = [], []
    for n, name in enumerate(classes_of(judged.target)):
        came = judged.y == n
        p, weight = judged.p[:, n], judged.weight
        row[f"auc_{name.lower()}"] = ranking.auc(p, came, weight)
        row[f"lift_{name.lower()}"] = ranking.lift(p, came, weight)
        row[f"ece_{name.lower()}"] = ranking.ece(p, came, weight)
        errors.append(row[f"ece_{name.lower()}"])
        of_walk.append(ranking.ece(judged.walk[:, n], came, weight))
    row["ece"] = sum(errors) / len(errors)
    row["ece_null_calibrated"] = sum(of_walk) / len(of_walk)
    return row


def strata_of(judged: Judged) -> Iterator[tuple[str, str, Judged]]:
    yield "all", "ALL", judged
    for kind, names in judged.strata.items():
        for name in sorted(set(names.tolist())):
            yield kind, name, judged.where(names == name)


class Evaluation:
    """Predictions beside what came true, candidate by candidate."""

    def __init__(
        self,
        gold: Gold,
        predictions: pl.DataFrame,
        neighbours: pl.DataFrame,
        trials: pl.DataFrame,
    ) -> None:
        self.gold = gold
        self.neighbours = neighbours
        self.trials = trials
        self.outcomes = {row["event_id"]: row for row in gold.event_outcomes.to_dicts()}
        self.events: dict[str, Examples] = {}
        self.judged: dict[Key, Judged] = {}
        self._read(predictions)

    def _read(self, predictions: pl.DataFrame) -> None:
        found: dict[Key, dict[str, dict[str, float]]] = {}
        folds: dict[str, int] = {}
        for row in predictions.to_dicts():
            key = (row["run_id"], row["target"], row["model"], row["feature_set"])
            found.setdefault(key, {}).setdefault(row["event_id"], {})[row["class"]] = row["p"]
            folds[row["event_id"]] = row["fold"]
        for key, by_event in found.items():
            run_id, target = key[:2]
            if target not in self.events:
                self.events[target] = examples(self.gold, target)
            events = self.events[target]
            own = events.where(np.array([e in by_event for e in events.event_id], dtype=bool))
            names = classes_of(target)
            outcomes = [self.outcomes[event_id] for event_id in own.event_id]
            strata = {
                "level_kind_direction": [f"{o['level_kind']}_{o['direction']}" for o in outcomes],
                "phase": [str(o["session_phase"]) for o in outcomes],
                "fold": [str(folds[event_id]) for event_id in own.event_id],
            }

            def table(of: Key, own: Examples = own, names: tuple[str, ...] = names) -> Doubles:
                return np.array([[found[of][e][name] for name in names] for e in own.event_id])

            self.judged[key] = Judged(
                target,
                table(key),
                {name: table((run_id, target, name, "none")) for name in REFERENCES},
                own.y,
                own.weight,
                own.session,
                own.event_id,
                {kind: np.array(words, dtype=np.str_) for kind, words in strata.items()},
            )

    def trials_of(self, target: str) -> int:
        tried = self.trials.filter(
            pl.col("target") == target, pl.col("model").is_in(list(CANDIDATES))
        )
        return max(1, tried.height)

    def session_gains(self) -> Iterator[Row]:
        for key, judged in self.judged.items():
            columns = {
                "weight": judged.sums(np.ones(len(judged.y))),
                "loss": judged.sums(judged.loss()),
                **{f"loss_{name}": judged.sums(judged.loss_of(name)) for name in REFERENCES},
            }
            for n, day in enumerate(judged.days()):
                yield (
                    named(key)
                    | {"session_date": day}
                    | {"events": int((judged.session == day).sum())}
                    | {name: float(values[n]) for name, values in columns.items()}
                )

    def scores(self) -> Iterator[Row]:
        for key, judged in self.judged.items():
            trials = self.trials_of(judged.target)
            for kind, name, part in strata_of(judged):
                yield named(key) | {"stratum_kind": kind, "stratum": name} | score(part, trials)

    def reliability(self) -> Iterator[Row]:
        for key, judged in self.judged.items():
            for n, name in enumerate(classes_of(judged.target)):
                for row in ranking.bin_rows(judged.p[:, n], judged.y == n, judged.weight):
                    yield named(key) | {"class": name} | row

    def ablations(self) -> Iterator[Row]:
        for key, judged in self.judged.items():
            whole = self.judged.get((*key[:3], "full"))
            if whole is None or key[3] == "full":
                continue
            of_sets = [
                by_session.resampled_skill(
                    one.sums(one.loss()), one.sums(one.loss_of("null_calibrated"))
                )
                for one in (judged, whole)
            ]
            low, high = by_session.middle(of_sets[0] - of_sets[1])
            yield named(key) | {
                "events": len(judged.y),
                "effective_n": math.fsum(judged.weight),
                "sessions": len(judged.days()),
                "skill": skill_of(judged),
                "skill_full": skill_of(whole),
                "difference": skill_of(judged) - skill_of(whole),
                "difference_low": low,
                "difference_high": high,
            }

    def edge(self) -> Iterator[Row]:
        for key, judged in self.judged.items():
            if judged.target not in OF_BARRIERS:
                continue
            outcomes = [self.outcomes[event_id] for event_id in judged.event_id]

            def column(name: str, outcomes: list[Row] = outcomes) -> Doubles:
                return np.array([o[name] for o in outcomes], dtype=np.float64)

            payoffs = Payoffs(
                column(f"barrier_points_{judged.target}"),
                column("position_points"),
                column("dir_sign") * (column("future_price") - column("spot")),
            )
            yield (
                named(key)
                | {"events": len(judged.y), "sessions": len(judged.days())}
                | edge(payoffs, judged.p, judged.y, judged.session)
            )

    def similarity(self) -> Iterator[Row]:
        """Skill of knn by quartile of the largest kept distance; 1 has the closest neighbours."""
        farthest: dict[tuple[str, str, str], dict[str, float]] = {}
        folds: dict[str, int] = {}
        for row in self.neighbours.to_dicts():
            own = farthest.setdefault((row["run_id"], row["target"], row["feature_set"]), {})
            own[row["event_id"]] = max(own.get(row["event_id"], 0.0), row["distance"])
            folds[row["event_id"]] = row["fold"]
        for (run_id, target, feature_set), distances in farthest.items():
            judged = self.judged[run_id, target, "knn", feature_set]
            cells: dict[tuple[int, str, str], list[str]] = {}
            for event_id in distances:
                outcome = self.outcomes[event_id]
                cell = (folds[event_id], outcome["level_family"], outcome["direction"])
                cells.setdefault(cell, []).append(event_id)
            quartile: dict[str, int] = {}
            for members in cells.values():
                bins = ranking.bins_of(np.array([distances[e] for e in members]), 4)
                quartile |= {e: int(n) + 1 for e, n in zip(members, bins, strict=True)}
            of_event = np.array([quartile.get(str(e), 0) for e in judged.event_id])
            for number in sorted(set(quartile.values())):
                part = judged.where(of_event == number)
                yield {"run_id": run_id, "target": target, "feature_set": feature_set} | {
                    "quartile": number,
                    "events": len(part.y),
                    "effective_n": math.fsum(part.weight),
                    "sessions": len(part.days()),
                    "log_loss": part.mean(part.loss()),
                    "skill": skill_of(part),
                }


def named(key: Key) -> Row:
    return dict(zip(_OF, key, strict=True))


def expected_scores(
    gold: Gold, predictions: pl.DataFrame, neighbours: pl.DataFrame, trials: pl.DataFrame
) -> dict[str, pl.DataFrame]:
    """Every table of scores by its name, of the predictions of runs with a `run_id`."""
    evaluation = Evaluation(gold, predictions, neighbours, trials)
    return {
        name: pl.DataFrame(list(getattr(evaluation, name)()), infer_schema_length=None).sort(keys)
        for name, keys in SCORE_KEYS.items()
    }
