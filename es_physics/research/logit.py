"""Multinomial logistic regression, held small by an L2 penalty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sklearn.linear_model import LogisticRegression

from es_physics.research.fitted import Fitted, Importance
from es_physics.research.rows import Floats, Rows
from es_physics.research.scaling import Scaling


@dataclass(frozen=True)
class Logit(Fitted):
    """On scaled features, with a column for each that says where it is unknown."""

    scaling: Scaling
    regression: LogisticRegression
    classes: tuple[str, ...]

    @classmethod
    def fit(cls, train: Rows) -> Logit:
        """Every class has to occur in training."""
        scaling = Scaling.of(train)
        regression = LogisticRegression(C=0.001, solver="lbfgs", tol=1e-8, max_iter=2000)
        regression.fit(scaling.with_unknown(train), train.y, sample_weight=train.weight)
        return cls(scaling, regression, train.classes)

    def predict(self, rows: Rows) -> Floats:
        """[n, k]"""
        p: Floats = self.regression.predict_proba(self.scaling.with_unknown(rows))
        return p

    def importances(self) -> Sequence[Importance]:
        """Coefficients by class; of two classes the one logit, which is the second's."""
        rows = self.regression.coef_
        names = self.classes if len(rows) > 1 else self.classes[1:]
        return [
            Importance(feature, name, coefficient=float(value))
            for name, values in zip(names, rows, strict=True)
            for feature, value in zip(self.scaling.names_with_unknown, values, strict=True)
        ]
