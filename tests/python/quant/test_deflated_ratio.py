"""Deflated ratios against the example of Bailey & Lopez de Prado, and at their ends."""

from __future__ import annotations

import numpy as np
import pytest

from es_physics.quant.deflated_ratio import best_ratio_without_skill, deflated_ratio

# An annualised ratio of 2.5 over five years of days, as the article works it.
RATIO, VARIANCE = 2.5 / np.sqrt(250), 0.5 / 250


def test_the_worked_example() -> None:
    assert best_ratio_without_skill(VARIANCE, 100) == pytest.approx(0.113172, abs=5e-7)
    found = deflated_ratio(RATIO, 1250, -3.0, 10.0, [100, 46], VARIANCE)
    assert found == pytest.approx([0.900397, 0.950502], abs=5e-7)


def test_one_trial_is_not_deflated() -> None:
    assert best_ratio_without_skill(VARIANCE, 1) == 0
    # A normal ratio of 0 is as likely above as below what one try without skill gives.
    assert deflated_ratio(0.0, 100, 0.0, 3.0, 1, 0.01) == 0.5


def test_what_is_unknown_or_of_no_distribution_stays_unknown() -> None:
    assert np.isnan(deflated_ratio(np.nan, 100, 0.0, 3.0, 5, 0.01))
    # The least kurtosis of a skewness of 2 is 5, where a ratio of 1 has no error at all.
    assert np.isnan(deflated_ratio(1.0, 100, 2.0, 5.0, 5, 0.01))


def test_less_than_one_trial_is_refused() -> None:
    with pytest.raises(ValueError, match="0 trials: at least one was made"):
        best_ratio_without_skill(VARIANCE, [3, 0])
