"""Hand-worked cases for the reference's sweep orders and path shapes; each number is derived in a
comment.
"""

from __future__ import annotations

import math
from typing import Any

import polars as pl
import pytest
from handmade_records import CLOCK, CONTRACT, T0, S, an_event, seconds
from reference.kinematics import PriceHistory
from reference.path_shape import cosine_coefficients, path_features
from reference.sweep_orders import sweep_order_features
from reference.trades import TRADES_SCHEMA, Trade, contract_trades

MS = S // 1000


def prints(*rows: tuple[float, float, int, str | None, int | None]) -> list[Trade]:
    """Trades from (seconds after T0, price, size, side, event time)."""
    return [
        Trade(seconds(after), price, size, side, ts_event)
        for after, price, size, side, ts_event in rows
    ]


def order(
    after: float, side: str, *fills: tuple[float, int], key: int | None = None
) -> list[Trade]:
    """The fills (price, size) of one order, all at one time, with an event time of its own."""
    event = round(after * 1000) if key is None else key
    return prints(*((after, price, size, side, event) for price, size in fills))


def sweeps(*orders: list[Trade], sign: int = 1) -> dict[str, Any]:
    return sweep_order_features(an_event(sign), [trade for fills in orders for trade in fills])


def swept(*rows: tuple[float, float, int, str | None, int | None]) -> tuple[int, int, int]:
    """(count, net size, most prices) of trades as they come."""
    got = sweep_order_features(an_event(), prints(*rows))
    return got["sweep_order_count"], got["sweep_order_net_size"], got["sweep_levels_max"]


NOTHING = {
    "sweep_order_count": 0,
    "sweep_order_net_size": 0,
    "sweep_levels_max": 0,
    "sweep_cluster_count": 0,
    "sweep_cluster_net_size": 0,
    "seconds_since_sweep": None,
}


# --- sweep orders ------------------------------------------------------------------------------


def test_an_order_through_two_prices_is_a_sweep_order() -> None:
    # 3 + 4 of 10 contracts traded, half a second ago.
    bought = order(-0.5, "B", (6850.0, 3), (6850.25, 4)) + order(-0.25, "A", (6850.0, 3))
    assert sweeps(bought) == {
        "sweep_order_count": 1,
        "sweep_order_net_size": 7,
        "sweep_levels_max": 2,
        "sweep_order_share": 0.7,
        "sweep_cluster_count": 1,
        "sweep_cluster_net_size": 7,
        "seconds_since_sweep": 0.5,
    }
    # Aligned: a purchase goes against a fall.
    down = sweeps(bought, sign=-1)
    assert (down["sweep_order_net_size"], down["sweep_cluster_net_size"]) == (-7, -7)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        # One price only, however many fills.
        ([(-1, 6850.0, 30, "B", 7), (-1, 6850.0, 30, "B", 7)], (0, 0, 0)),
        # Two event times, or unknown ones.
        ([(-1, 6850.0, 3, "B", 7), (-1, 6850.25, 4, "B", 8)], (0, 0, 0)),
        ([(-1, 6850.0, 3, "B", None), (-1, 6850.25, 4, "B", None)], (0, 0, 0)),
        # Two aggressors, or none known.
        ([(-1, 6850.0, 3, "B", 7), (-1, 6850.25, 4, "A", 7)], (0, 0, 0)),
        ([(-1, 6850.0, 3, "N", 7), (-1, 6850.25, 4, "N", 7)], (0, 0, 0)),
        ([(-1, 6850.0, 3, None, 7), (-1, 6850.25, 4, None, 7)], (0, 0, 0)),
        # A trade of unknown side, of the other side, or of another or unknown event time ends it:
        # two prices before are an order, one price after is none.
        (
            [(-1, 6850.0, 3, "B", 7), (-1, 6850.25, 4, "B", 7), (-1, 6850.5, 1, "N", 7),
             (-1, 6850.5, 5, "B", 7)],
            (1, 7, 2),
        ),
        (
            [(-1, 6850.0, 3, "B", 7), (-1, 6850.25, 4, "N", 7), (-1, 6850.25, 5, "B", 7)],
            (0, 0, 0),
        ),
        (
            [(-1, 6850.0, 3, "B", 7), (-1, 6850.25, 4, "A", 7), (-1, 6850.25, 5, "B", 7)],
            (0, 0, 0),
        ),
        (
            [(-1, 6850.0, 3, "B", 7), (-1, 6850.25, 4, "B", None), (-1, 6850.25, 5, "B", 7)],
            (0, 0, 0),
        ),
        # A price that comes back is one price; three are three; a sale is negative.
        (
            [(-1, 6850.0, 3, "A", 7), (-1, 6849.75, 4, "A", 7), (-1, 6850.0, 5, "A", 7)],
            (1, -12, 2),
        ),
        (
            [(-1, 6850.0, 3, "A", 7), (-1, 6849.75, 4, "A", 7), (-1, 6849.5, 5, "A", 7)],
            (1, -12, 3),
        ),
        # Received at different times, it is one order by its event time.
        ([(-9, 6850.0, 3, "B", 7), (-1, 6850.25, 4, "B", 7)], (1, 7, 2)),
        # Far from the level it counts all the same, and so does a small one.
        ([(-1, 6950.0, 1, "B", 7), (-1, 6950.25, 1, "B", 7)], (1, 2, 2)),
    ],
)  # fmt: skip
def test_what_makes_a_sweep_order(
    rows: list[tuple[float, float, int, str | None, int | None]], expected: tuple[int, int, int]
) -> None:
    assert swept(*rows) == expected


def test_sweep_orders_see_nothing_outside_the_window() -> None:
    # The first fill lies on the open end: one price is left. At the anchor both are in.
    assert swept((-60, 6850.0, 3, "B", 7), (-59.999, 6850.25, 4, "B", 7)) == (0, 0, 0)
    assert swept((-59.999, 6850.0, 3, "B", 7), (-59.998, 6850.25, 4, "B", 7)) == (1, 7, 2)
    assert swept((0, 6850.0, 3, "B", 7), (0, 6850.25, 4, "B", 7)) == (1, 7, 2)
    assert swept((0, 6850.0, 3, "B", 7), (0.001, 6850.25, 4, "B", 7)) == (0, 0, 0)
    # The second fill of the window is cut off too.
    assert swept((-60, 6850.0, 3, "B", 7), (-59, 6850.25, 4, "B", 7), (-58, 6850.5, 5, "B", 7)) == (
        1,
        9,
        2,
    )


def test_without_a_sweep_order_counts_are_zero_and_its_age_unknown() -> None:
    lone = prints((-1, 6850.0, 5, "B", 7))
    assert sweeps(lone) == NOTHING | {"sweep_order_share": 0.0}
    # Nothing traded is no share.
    assert sweeps() == NOTHING | {"sweep_order_share": None}
    assert sweeps(prints((-1, 6850.0, 0, "B", 7)))["sweep_order_share"] is None


def test_event_times_come_with_the_trades_frame() -> None:
    frame = pl.DataFrame(
        [(T0, 0, 2, CONTRACT, 6850.0, 1, "B", 5), (T0, 1, 2, CONTRACT, 6850.25, 1, "B", None)],
        schema={**TRADES_SCHEMA, "ts_event": pl.Int64},
        orient="row",
    )
    assert [trade.ts_event for trade in contract_trades(frame, CLOCK, CONTRACT)] == [5, None]
    without = contract_trades(frame.drop("ts_event"), CLOCK, CONTRACT)
    assert [trade.ts_event for trade in without] == [None, None]


# --- clusters ----------------------------------------------------------------------------------

UP_TWO = (6850.0, 1), (6850.25, 1)
DOWN_THREE = (6850.0, 1), (6849.75, 2)


@pytest.mark.parametrize(
    ("orders", "count", "net"),
    [
        # Exactly a second from the end of one to the start of the next is one cluster.
        ([order(-5, "B", *UP_TWO), order(-4, "B", *UP_TWO)], 1, 4),
        ([order(-5, "B", *UP_TWO), order(-3.999, "B", *UP_TWO)], 2, 2),
        # A chain: each is near the one before it, though not to the first.
        ([order(t, "B", *UP_TWO) for t in (-5, -4.2, -3.4, -2.6)], 1, 8),
        # One of the other side ends it, even if the next is near.
        (
            [order(-5, "B", *UP_TWO), order(-4.9, "A", *DOWN_THREE), order(-4.8, "B", *UP_TWO)],
            3,
            -3,
        ),
        # A trade that is no sweep order does not.
        (
            [order(-5, "B", *UP_TWO), order(-4.9, "A", (6850.0, 9)), order(-4.8, "B", *UP_TWO)],
            1,
            4,
        ),
        # The largest by size; of equal ones the later.
        ([order(-9, "A", *DOWN_THREE), order(-5, "B", *UP_TWO)], 2, -3),
        ([order(-9, "A", *UP_TWO), order(-5, "B", *UP_TWO)], 2, 2),
        ([order(-9, "B", *UP_TWO), order(-5, "A", *UP_TWO)], 2, -2),
    ],
)
def test_clusters(orders: list[list[Trade]], count: int, net: int) -> None:
    got = sweeps(*orders)
    assert (got["sweep_cluster_count"], got["sweep_cluster_net_size"]) == (count, net)
    mirrored = sweeps(*orders, sign=-1)
    assert (mirrored["sweep_cluster_count"], mirrored["sweep_cluster_net_size"]) == (count, -net)


def test_a_cluster_measures_from_the_last_fill_to_the_first() -> None:
    # The first order ends 0.3 s after it began: from there it is exactly a second.
    long = prints((-5.3, 6850.0, 1, "B", 7), (-5, 6850.25, 1, "B", 7))
    assert sweeps(long, order(-4, "B", *UP_TWO))["sweep_cluster_count"] == 1
    slow = prints((-4, 6850.0, 1, "B", 8), (-3, 6850.25, 1, "B", 8))
    got = sweeps(long, slow)
    assert (got["sweep_cluster_count"], got["seconds_since_sweep"]) == (1, 3.0)


def test_age_is_that_of_the_newest_sweep_order_of_either_side() -> None:
    got = sweeps(order(-9, "B", *UP_TWO), order(-2.5, "A", *DOWN_THREE), order(-1, "B", (6850, 9)))
    assert got["seconds_since_sweep"] == 2.5
    # 5 of 14 contracts; -3 and +2.
    assert got["sweep_order_share"] == 5 / 14
    assert (got["sweep_order_count"], got["sweep_order_net_size"]) == (2, -1)
    assert sweeps(order(0, "B", *UP_TWO))["seconds_since_sweep"] == 0.0


# --- path shape --------------------------------------------------------------------------------


def test_cosine_coefficients_of_a_constant_and_of_a_line() -> None:
    # A constant has the first only, sqrt(40); a line also the odd ones.
    constant = cosine_coefficients([1.0] * 40)
    assert constant[0] == pytest.approx(6.324555, abs=1e-6)
    assert constant[1:] == pytest.approx([0.0] * 7, abs=1e-13)
    line = cosine_coefficients(range(40))
    assert line[:4] == pytest.approx([123.32883, -72.48089, 0.0, -8.03678], abs=1e-5)
    assert len(line) == 8


def test_cosine_coefficients_are_orthonormal() -> None:
    # The transform of a cosine of the family is 1 at its place and 0 elsewhere.
    for k in range(1, 8):
        wave = [math.sqrt(2 / 40) * math.cos(math.pi * (i + 0.5) * k / 40) for i in range(40)]
        assert cosine_coefficients(wave) == pytest.approx(
            [float(j == k) for j in range(8)], abs=1e-13
        )


def path(*rows: tuple[float, float, int, str], sign: int = 1) -> dict[str, float | None]:
    history = prints(*((after, price, size, side, None) for after, price, size, side in rows))
    return path_features(an_event(sign), PriceHistory(history), history)


def column(got: dict[str, float | None], name: str) -> list[float | None]:
    return [got[f"{name}_dct_{k}"] for k in range(8)]


def test_path_is_sampled_every_thirty_seconds_up_to_the_anchor() -> None:
    # At -1170 s, the first of forty, the price is 6850; from -1169.999 to the anchor 6851; at the
    # anchor 6852, also by the later of two trades.
    rows = (
        (-1200, 6700.0, 1, "N"),
        (-1170, 6850.0, 1, "N"),
        (-1169.999, 6851.0, 1, "N"),
        (0, 6840.0, 1, "N"),
        (0, 6852.0, 1, "N"),
        (0.001, 6999.0, 1, "N"),
    )
    expected = cosine_coefficients([0.0, *[1.0] * 38, 2.0])
    assert column(path(*rows), "path") == pytest.approx(expected, abs=1e-12)
    assert column(path(*rows, sign=-1), "path") == pytest.approx([-c for c in expected], abs=1e-12)
    # 38 + 2 of forty, times sqrt(1 / 40).
    assert expected[0] == pytest.approx(40 / math.sqrt(40), rel=1e-14)


def test_path_needs_a_price_at_each_step_and_flow_does_not() -> None:
    late = ((-1169.999, 6851.0, 4, "B"), (0, 6852.0, 1, "N"))
    got = path(*late)
    assert column(got, "path") == [None] * 8
    # The four contracts fall in the second step.
    assert column(got, "flow") == pytest.approx(
        cosine_coefficients([0.0, 4.0, *[0.0] * 38]), abs=1e-12
    )
    # The step before it ends where it begins, at -1170 s.
    on_time = path((-1170, 6851.0, 4, "B"), (0, 6852.0, 1, "N"))
    assert None not in column(on_time, "path")
    assert column(on_time, "flow") == pytest.approx(
        cosine_coefficients([4.0, *[0.0] * 39]), abs=1e-12
    )


def test_flow_is_signed_and_its_steps_are_closed_at_the_new_end() -> None:
    rows = (
        (-1200, 6850.0, 99, "B"),  # where the first step begins
        (-1199.999, 6850.0, 5, "B"),
        (-1180, 6850.0, 2, "A"),
        (-30, 6850.0, 7, "A"),  # the last but one
        (-29.999, 6850.0, 1, "B"),
        (0, 6850.0, 3, "B"),
        (0, 6850.0, 50, "N"),
        (0.001, 6850.0, 99, "B"),
    )
    expected = cosine_coefficients([3.0, *[0.0] * 37, -7.0, 4.0])
    assert column(path(*rows), "flow") == pytest.approx(expected, abs=1e-12)
    assert column(path(*rows, sign=-1), "flow") == pytest.approx([-c for c in expected], abs=1e-12)
    # Nothing traded is a known nothing.
    assert column(path(), "flow") == [0.0] * 8
