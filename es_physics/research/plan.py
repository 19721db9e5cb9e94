"""Which models are fitted on which features, for which targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from es_physics.research.errors import require_packages
from es_physics.research.models import (
    ABLATED,
    BASELINES,
    FULL,
    MODELS,
    NO_FEATURES,
    SEQUENCES,
    Model,
)
from es_physics.research.targets import TARGETS, classes_of, one_of


class Fit(NamedTuple):
    """A model on a set of features."""

    model: Model
    feature_set: str

    @property
    def name(self) -> str:
        """For a line of text."""
        return f"{self.model.name} on {self.feature_set}"


@dataclass(frozen=True)
class Plan:
    """What one run does; the same whatever the order in which it was asked for."""

    targets: tuple[str, ...]
    fits: tuple[Fit, ...]
    """Baselines first, as `MODELS` and the sets are ordered."""

    @classmethod
    def make(
        cls,
        sets: Sequence[str],
        targets: Sequence[str],
        models: Sequence[str] = (),
        feature_sets: Sequence[str] = (),
    ) -> Plan:
        """Without names: every model but those of sequences on all features, and `ABLATED` on every
        one of `sets` beside. Models that are named are fitted on the named sets, or all features.

        Raises UsageError for a name that is none, MissingExtra without the packages of a model.
        """
        require_names(targets, models)
        for name in feature_sets:
            one_of(name, tuple(sets), "set of features")
        chosen = models or [name for name, one in MODELS.items() if one.takes != "sequences"]
        fits = []
        for name, model in MODELS.items():
            if name in BASELINES:
                fits.append(Fit(model, NO_FEATURES))
            elif name in chosen and model.takes == "sequences":
                fits.append(Fit(model, SEQUENCES))
            elif name in chosen:
                is_ablated = name == ABLATED and not models
                wanted = feature_sets or (sets if is_ablated else [FULL])
                fits += [Fit(model, one) for one in sets if one in wanted]
        for fit in fits:
            require_packages(fit.model.packages, fit.model.extra, f"model {fit.model.name}")
        return cls(tuple(one for one in TARGETS if one in targets), tuple(fits))

    @property
    def arguments(self) -> dict[str, Any]:
        """What a run's record says was asked for."""
        return {
            "targets": list(self.targets),
            "models": list(dict.fromkeys(fit.model.name for fit in self.fits)),
            "feature_sets": list(dict.fromkeys(fit.feature_set for fit in self.fits)),
            "fits": [[fit.model.name, fit.feature_set] for fit in self.fits],
        }

    @property
    def candidates(self) -> list[tuple[str, str, str]]:
        """Target, model and set of everything that counts as a try."""
        return [
            (target, fit.model.name, fit.feature_set)
            for target in self.targets
            for fit in self.fits
            if fit.model.is_candidate
        ]

    @property
    def takes_sequences(self) -> bool:
        """Whether a model reads sequences."""
        return any(fit.model.takes == "sequences" for fit in self.fits)


def require_names(targets: Sequence[str], models: Sequence[str]) -> None:
    """Raise UsageError for a target or model that there is not."""
    for name in targets:
        classes_of(name)
    for name in models:
        one_of(name, tuple(MODELS), "model")
