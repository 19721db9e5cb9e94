"""Rows of events as models see them, made up."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from es_physics.research.rows import Feature, Floats, Rows


def made_rows(
    count: int,
    *,
    classes: tuple[str, ...] = ("BREAK", "BOUNCE", "CHOP"),
    features: Floats | None = None,
    columns: Sequence[Feature] | None = None,
    p_null: Floats | None = None,
    drawn_from: Callable[[Floats], Floats] = lambda p: p,
    y: Sequence[int] | None = None,
    weight: Sequence[float] | None = None,
    family: Sequence[str] | None = None,
    is_up: Sequence[bool] | None = None,
    minutes: Sequence[float] | None = None,
    session: Sequence[int] | None = None,
    seed: int = 7,
) -> Rows:
    """So many events; what is not given is drawn, outcomes from `drawn_from(p_null)`."""
    rng = np.random.default_rng(seed)
    odds = rng.dirichlet([5.0] * len(classes), count) if p_null is None else p_null
    drawn = drawn_from(odds)
    cumulated = np.cumsum(drawn / drawn.sum(axis=1, keepdims=True), axis=1)
    outcome = np.minimum((rng.random(count)[:, None] > cumulated).sum(axis=1), len(classes) - 1)
    values = rng.normal(size=(count, 3)) if features is None else features
    return Rows(
        target="scaled",
        classes=classes,
        index=np.arange(count),
        event_ids=np.array([f"event_{number:05d}" for number in range(count)], object),
        session=np.arange(count) // 10 if session is None else np.array(session),
        y=outcome if y is None else np.array(y),
        weight=rng.uniform(0.2, 1.0, count) if weight is None else np.array(weight, float),
        p_null=odds,
        minutes_since_open=np.zeros(count) if minutes is None else np.array(minutes, float),
        is_up=np.ones(count, bool) if is_up is None else np.array(is_up, bool),
        family=np.array(["PM"] * count if family is None else list(family), object),
        features=values,
        columns=tuple(
            columns or [Feature(f"f{n}", f"g{n}", False) for n in range(values.shape[1])]
        ),
    )
