"""Every model by name: how it is fitted, what it takes, and whether it counts as a try.

What fits is imported when a model is fitted: its packages are of an extra, and slow to load.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from es_physics.research.fitted import Fitted
from es_physics.research.rows import Rows

NO_FEATURES, SEQUENCES = "none", "sequences"
"""The set that is said of a model which takes no features, and of one that reads sequences."""


@dataclass(frozen=True)
class Model:
    """One way to answer.

    `fit` learns from the rows of a fold's training, of which a fitted model needs `least_train` and
    every class; without it the answer is the random walk's. A candidate is a try: its luck is taken
    off by `deflated`.
    """

    name: str
    fit: Callable[[Rows], Fitted] | None = None
    takes: Literal["nothing", "features", "sequences"] = "features"
    is_calibrated: bool = True
    is_candidate: bool = True
    extra: str = "research"
    packages: tuple[str, ...] = ()
    least_train: int = 1


def _base_rate(train: Rows) -> Fitted:
    from es_physics.research.rates import BaseRate

    return BaseRate.fit(train)


def _tod_rate(train: Rows) -> Fitted:
    from es_physics.research.rates import TodRate

    return TodRate.fit(train)


def _logit(train: Rows) -> Fitted:
    from es_physics.research.logit import Logit

    return Logit.fit(train)


def _lightgbm(train: Rows) -> Fitted:
    from es_physics.research.trees import Trees

    return Trees.fit(train)


def _lightgbm_null(train: Rows) -> Fitted:
    from es_physics.research.trees import Trees

    return Trees.fit_on_null(train)


def _knn(train: Rows) -> Fitted:
    from es_physics.research.knn import Knn

    return Knn.fit(train)


def _null_knn(train: Rows) -> Fitted:
    from es_physics.research.knn import Knn

    return Knn.fit_permuted(train)


def _patchtst(train: Rows) -> Fitted:
    from es_physics.research.patchtst import PatchTST

    return PatchTST.fit(train)


def _baseline(name: str, fit: Callable[[Rows], Fitted] | None = None) -> Model:
    return Model(name, fit, takes="nothing", is_calibrated=False, is_candidate=False)


_TREES = ("lightgbm", "sklearn")
MODELS = {
    model.name: model
    for model in (
        _baseline("base_rate", _base_rate),
        _baseline("tod_rate", _tod_rate),
        _baseline("null"),
        _baseline("null_calibrated"),
        Model("logit", _logit, packages=("sklearn",)),
        Model("lightgbm", _lightgbm, packages=_TREES),
        Model("lightgbm_null", _lightgbm_null, packages=_TREES),
        Model("knn", _knn),
        Model("null_knn", _null_knn, is_candidate=False),
        Model(
            "patchtst",
            _patchtst,
            takes="sequences",
            extra="sequences",
            packages=("jax", "optax"),
            least_train=2000,
        ),
    )
}
"""In the order in which they are shown."""

BASELINES = tuple(name for name, model in MODELS.items() if model.takes == "nothing")
"""What every run has: no result is shown without them."""

ABLATED = "lightgbm_null"
"""The model that is fitted on every set of features, to see what each is worth."""
FULL = "full"
"""The set of all features."""
