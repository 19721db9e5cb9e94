"""Average uniqueness against hand-worked overlaps, exact fractions, and its identities."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from es_physics.quant.uniqueness import average_uniqueness

INTERVALS = st.lists(st.tuples(st.integers(0, 200), st.integers(1, 60)), min_size=1, max_size=25)
NOON_NS = 1_765_900_800_000_000_000


def exact_uniqueness(starts: list[int], ends: list[int]) -> list[Fraction]:
    """The definition, one unit of time after another."""
    labels = list(zip(starts, ends, strict=True))
    alive = {t: sum(a < t <= b for a, b in labels) for t in range(min(starts), max(ends) + 1)}
    share = {t: Fraction(1, max(n, 1)) for t, n in alive.items()}
    return [sum((share[t] for t in range(a + 1, b + 1)), Fraction(0)) / (b - a) for a, b in labels]


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([(0, 8)], [1]),
        ([(0, 4), (4, 8)], [1, 1]),
        ([(0, 4), (6, 8)], [1, 1]),
        ([(0, 8), (0, 8)], [1 / 2, 1 / 2]),
        ([(0, 8), (4, 12)], [3 / 4, 3 / 4]),
        ([(0, 8), (2, 4)], [7 / 8, 1 / 2]),
        # over (0,2] one, (2,4] two, (4,6] three, (6,8] two, (8,10] one
        ([(0, 6), (2, 8), (4, 10)], [11 / 18, 4 / 9, 11 / 18]),
        ([(5, 6), (0, 10), (5, 6), (5, 6)], [1 / 4, 37 / 40, 1 / 4, 1 / 4]),
    ],
)
def test_hand_worked_overlaps(labels: list[tuple[int, int]], expected: list[float]) -> None:
    starts, ends = np.array(labels).T
    np.testing.assert_allclose(average_uniqueness(starts, ends), expected, rtol=1e-15)


@given(INTERVALS)
def test_agrees_with_exact_fractions(labels: list[tuple[int, int]]) -> None:
    starts = [start for start, _ in labels]
    ends = [start + length for start, length in labels]
    exact = [float(u) for u in exact_uniqueness(starts, ends)]
    np.testing.assert_allclose(average_uniqueness(starts, ends), exact, rtol=1e-14)


@given(INTERVALS, st.integers(1, 10**9), st.integers(0, 2**32 - 1))
def test_shift_scale_and_order_change_nothing(
    labels: list[tuple[int, int]], unit: int, seed: int
) -> None:
    starts = np.array([start for start, _ in labels])
    ends = starts + [length for _, length in labels]
    order = np.random.default_rng(seed).permutation(len(labels))
    plain = average_uniqueness(starts, ends)
    moved = average_uniqueness(NOON_NS + unit * starts[order], NOON_NS + unit * ends[order])
    np.testing.assert_allclose(moved, plain[order], rtol=1e-14)


def test_shares_add_up_to_the_time_covered() -> None:
    rng = np.random.default_rng(7)
    starts = NOON_NS + rng.integers(0, 4 * 3600 * 10**9, 2000)
    lengths = rng.integers(10**6, 480 * 10**9, 2000)
    ends = starts + lengths
    covered, reached = 0, 0
    for a, b in sorted(zip(starts.tolist(), ends.tolist(), strict=True)):
        covered += max(b - max(a, reached), 0)
        reached = max(reached, b)
    total = float(np.sum(average_uniqueness(starts, ends) * lengths))
    assert total == pytest.approx(covered, rel=1e-13)


def test_a_label_of_nanoseconds_among_hours_keeps_its_digits() -> None:
    hours = 3600 * 10**9
    long_ends = NOON_NS + hours + np.arange(1, 1001) * 7
    starts = np.append(np.full(1000, NOON_NS), [NOON_NS + hours // 3, NOON_NS + hours])
    ends = np.append(long_ends, [NOON_NS + hours // 3 + 11, NOON_NS + hours + 7])
    u = average_uniqueness(starts, ends)
    np.testing.assert_allclose(u[-2:], [1 / 1001, 1 / 1001], rtol=1e-14)


def test_uniqueness_lies_in_the_unit_interval_and_needs_no_events() -> None:
    rng = np.random.default_rng(11)
    starts = rng.integers(0, 10**6, 5000)
    u = average_uniqueness(starts, starts + rng.integers(1, 10**5, 5000))
    assert ((u > 0) & (u <= 1)).all()
    assert average_uniqueness([], []).shape == (0,)


@pytest.mark.parametrize(
    ("starts", "ends", "message"),
    [
        ([0, 5], [3, 5], "label 1 ends at 5, not after its start at 5"),
        ([0], [1, 2], "two equal lengths"),
        ([0.5], [1.5], "give integers"),
    ],
)
def test_impossible_labels_are_refused(starts: list, ends: list, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        average_uniqueness(starts, ends)
