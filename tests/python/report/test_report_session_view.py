"""Levels and zones of a session's page are those of the session, where they are valid."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest
import report_silver
from report_silver import ns

from es_physics.report.session_charts import _path, _zone
from es_physics.report.session_view import SessionView
from es_physics.report.silver import committed

DAY = date(2025, 12, 10)


@pytest.fixture
def view(tmp_path: Path) -> SessionView:
    report_silver.publish(tmp_path, DAY)
    return SessionView.read(committed(DAY, tmp_path))


def test_clock_is_new_yorks(view: SessionView) -> None:
    assert view.clock_text(ns(DAY, 9, 30)) == "Dec 10 09:30:00"
    assert view.clock_ms(ns(DAY, 9, 30)) % 86_400_000 == 9.5 * 3_600_000


def test_level_holds_from_its_start_until_before_its_end(view: SessionView) -> None:
    times = np.array([ns(DAY, 9, 49), ns(DAY, 9, 50), ns(DAY, 9, 59), ns(DAY, 10)])
    np.testing.assert_array_equal(view.level_at("SMA_200", times), [6001.0, np.nan, np.nan, 6001.5])


def test_lines_and_zones_are_cut_where_a_level_is_not_valid(view: SessionView) -> None:
    gap = (view.clock_ms(ns(DAY, 9, 50)), view.clock_ms(ns(DAY, 10)))
    times, prices = _path(view, "SMA_200")
    assert np.isnan(prices).sum() == 1
    assert gap[0] in times
    assert gap[1] in times
    xs, _ = _zone(view, "SMA_200")
    assert [(x.min(), x.max()) for x in xs] == [
        (view.clock_ms(ns(DAY, 9, 30)), gap[0]),
        (gap[1], view.clock_ms(ns(DAY, 13, 30))),
    ]


def test_zone_is_as_wide_as_the_last_known_atr_says(view: SessionView) -> None:
    """One point either side until the first bar with an ATR of 4 has ended at 09:32, then two."""
    (x,), (y,) = _zone(view, "PM_HIGH")
    early = x < view.clock_ms(ns(DAY, 9, 32))
    assert set(y[early]) == {6009.0, 6011.0}
    assert set(y[x > view.clock_ms(ns(DAY, 9, 32))]) == {6008.0, 6012.0}


def test_gamma_is_that_of_the_last_mark_in_front_month_points(view: SessionView) -> None:
    events = {event["event_ts_ns"]: event for event in view.events}
    assert view.gamma_at(events[ns(DAY, 9, 35)]) is None
    gamma = view.gamma_at(events[ns(DAY, 11)])
    assert gamma is not None
    assert gamma["tau"] == view.clock_ms(ns(DAY, 10, 30))
    assert gamma["k"] == [5980.5, 6000.5, 6020.5]
    assert gamma["call"] == [2e6] * 3
    assert gamma["put"] == [-2e6] * 3
    assert gamma["flow"] == [1e6] * 3


def test_vwap_is_of_the_cash_session_so_far(view: SessionView) -> None:
    times, vwap = view.vwap()
    assert times[0] == view.clock_ms(ns(DAY, 9, 31))
    bars = slice(330, 333)  # equal volumes: the plain mean
    np.testing.assert_allclose(vwap[:3], np.cumsum(view.bars["vwap"][bars]) / [1, 2, 3])


def test_delta_is_bought_less_sold(view: SessionView) -> None:
    assert view.delta is not None
    np.testing.assert_array_equal(view.delta[:4], [-6.0, 4.0, 4.0, -6.0])


def test_cells_of_the_grid_keep_what_is_unknown(view: SessionView) -> None:
    times, ofi = view.grid("ofi_best")
    np.testing.assert_array_equal(ofi[:5], [-400, -300, -200, np.nan, 0])
    assert times[1] - times[0] == 30_000
