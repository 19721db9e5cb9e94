"""What every model is after it was fitted."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

from es_physics.research.rows import Floats, Rows


class Importance(NamedTuple):
    """How much a model makes of a feature; what does not apply to it is None.

    gain: share of the loss that splits at the feature took away; splits: their number;
    coefficient: of the scaled feature, in the logit of `class_name`.
    """

    feature: str
    class_name: str | None = None
    gain: float | None = None
    splits: int | None = None
    coefficient: float | None = None


class Fitted(ABC):
    """A model that was fitted on a fold's training."""

    @abstractmethod
    def predict(self, rows: Rows) -> Floats:
        """Probabilities of the classes. [n, k]"""

    def importances(self) -> Sequence[Importance]:
        """What it makes of its features; none where that cannot be said."""
        return ()
