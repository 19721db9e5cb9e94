"""What a session's page shows, gathered from the session's commit alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from es_physics.report.errors import ReportError
from es_physics.report.level_styles import LineStyle, level_styles
from es_physics.report.palette import with_known_outcomes
from es_physics.report.silver import Commit

Row = dict[str, Any]
Floats = NDArray[np.float64]

GAMMA_REACH = 60.0
"""Points either side of the level whose strikes the gamma chart holds."""

GAMMA_MARKS = {"flip": "zero_gamma", "call_wall": "call_wall", "put_wall": "put_wall"}
"""What the chain as a whole says of the price: names, and columns of gamma_by_minute."""

_BAR_PRICES = ("open", "high", "low", "close", "volume", "atr")
_BAR_FLOW = ("vwap", "buy_volume", "sell_volume")
"""Columns of bars that a session of an earlier version may lack."""


@dataclass(frozen=True)
class SessionView:
    """A published session's tables, in the forms that the page needs."""

    commit: Commit
    session: Row
    bars: dict[str, Floats]
    bar_starts_ns: NDArray[np.int64]
    bar_ends_ns: NDArray[np.int64]
    levels: dict[str, list[Row]]
    events: list[Row]
    gamma: pa.Table | None
    """Rows of gamma_by_strike; None without the table, or without a row."""
    gamma_by_minute: list[Row]
    replenishment: dict[str, list[Row]]
    """Buckets of the barrier's window by event, the oldest first."""
    session_grid: pa.Table | None
    gates: list[Row] | None
    quality: list[Row] | None

    @classmethod
    def read(cls, commit: Commit) -> SessionView:
        """Read the session's tables. Raises ReportError where a needed one is missing."""
        sessions, bars = commit.rows("sessions"), commit.table("bars_1m")
        if len(sessions) != 1 or bars is None:
            raise ReportError(
                f"session {commit.session_date}: the commit has {len(sessions)} session rows and "
                f"{'no' if bars is None else 'a'} table bars_1m; build the session again"
            )
        levels: dict[str, list[Row]] = {}
        for row in commit.rows("levels"):
            levels.setdefault(row["level_kind"], []).append(row)
        replenishment: dict[str, list[Row]] = {}
        for row in sorted(commit.rows("event_replenishment"), key=lambda row: row["bucket"]):
            replenishment.setdefault(row["event_id"], []).append(row)
        gamma = commit.table("gamma_by_strike")
        return cls(
            commit=commit,
            session=sessions[0],
            bars={
                name: _floats(bars[name])
                for name in (*_BAR_PRICES, *_BAR_FLOW)
                if name in _BAR_PRICES or name in bars.column_names
            },
            bar_starts_ns=bars["bar_start_ns"].to_numpy(),
            bar_ends_ns=bars["bar_end_ns"].to_numpy(),
            levels=levels,
            events=commit.rows("level_interactions"),
            gamma=((gamma := commit.table("gamma_by_strike")) and gamma.num_rows and gamma) or None,
            gamma_by_minute=commit.rows("gamma_by_minute"),
            replenishment=replenishment,
            session_grid=commit.table("session_grid"),
            gates=_rows_if_there(commit, "qa_gate_results"),
            quality=_rows_if_there(commit, "bronze_quality"),
        )

    @cached_property
    def styles(self) -> dict[str, LineStyle]:
        """How the line of each level kind is drawn, of all that the build declares or made."""
        of_events = (event["level_kind"] for event in self.events)
        return level_styles([self.commit], {*self.levels, *of_events})

    @cached_property
    def outcomes(self) -> list[str]:
        """Every outcome that a label may have or has."""
        return with_known_outcomes(event["outcome"] for event in self.events)

    @cached_property
    def wall_clock_offset_ms(self) -> float:
        """New York's wall clock minus UTC, ms; the clocks never change within a session."""
        rth_start = np.datetime64(self.session["rth_start_et"], "ms").astype(np.int64)
        return float(rth_start - self.session["rth_start_ns"] // 10**6)

    def clock_ms(self, ts_ns: Any) -> Any:
        """UTC nanoseconds as New York wall clock, ms since the epoch, which charts plot."""
        return np.asarray(ts_ns, np.float64) / 1e6 + self.wall_clock_offset_ms

    def clock_text(self, ts_ns: int) -> str:
        """UTC nanoseconds as New York wall clock in words, with its day."""
        return f"{datetime.fromtimestamp(int(self.clock_ms(ts_ns)) // 1000, UTC):%b %d %H:%M:%S}"

    def level_at(self, kind: str, ts_ns: NDArray[np.int64]) -> Floats:
        """The price of a level kind at each time; NaN where it is not valid."""
        rows = sorted(self.levels.get(kind, []), key=lambda row: row["valid_from_ns"])
        starts = np.array([row["valid_from_ns"] for row in rows], np.int64)
        ends = np.array([row["valid_to_ns"] for row in rows], np.int64)
        prices = np.array([row["level_price"] for row in rows])
        place = np.searchsorted(starts, ts_ns, side="right") - 1
        found = np.full(len(ts_ns), np.nan)
        valid = place >= 0
        valid[valid] = ts_ns[valid] < ends[place[valid]]
        found[valid] = prices[place[valid]]
        return found

    @cached_property
    def zone_clock_ns(self) -> NDArray[np.int64]:
        """Times at which a zone may change while events count: as a bar or a level's validity ends.

        From the open to the last anchor, both included.
        """
        first, last = self.session["rth_start_ns"], self.session["event_end_ns"]
        bounds = [
            row[name]
            for rows in self.levels.values()
            for row in rows
            for name in ("valid_from_ns", "valid_to_ns")
        ]
        times = np.concatenate([self.bar_ends_ns, np.array(bounds, np.int64)])
        return np.unique(np.concatenate([[first], times[(times > first) & (times < last)], [last]]))

    @cached_property
    def zone_width(self) -> Floats:
        """Half width of the zones at each time of `zone_clock_ns`, points."""
        place = np.searchsorted(self.bar_ends_ns, self.zone_clock_ns, side="right") - 1
        atr = np.append(self.bars["atr"], np.nan)[place]  # place -1: no bar has ended yet
        smallest = self.commit.var("zone_min_width")
        return np.fmax(smallest, self.commit.var("zone_atr_multiple") * atr)

    @property
    def delta(self) -> Floats | None:
        """Contracts bought less sold in each bar, by the aggressor; None where bars do not say."""
        if not self.bars.keys() >= {"buy_volume", "sell_volume"}:
            return None
        return self.bars["buy_volume"] - self.bars["sell_volume"]

    def vwap(self) -> tuple[Floats, Floats]:
        """Volume-weighted mean price since the cash session's open, as each of its bars ends.

        Times (ms on the wall clock) and prices, both empty where bars do not say.
        """
        since_open = self.bar_starts_ns >= self.session["rth_start_ns"]
        if "vwap" not in self.bars or not since_open.any():
            return np.empty(0), np.empty(0)
        volume = np.where(np.isfinite(self.bars["vwap"]), self.bars["volume"], 0.0)[since_open]
        value = np.cumsum(np.nan_to_num(self.bars["vwap"][since_open]) * volume)
        total = np.cumsum(volume)
        known = total > 0
        return self.clock_ms(self.bar_ends_ns[since_open])[known], (value[known] / total[known])

    def grid(self, column: str) -> tuple[Floats, Floats]:
        """Starts of the cells of session_grid (ms on the wall clock) and their values.

        Both empty without the table.
        """
        if self.session_grid is None:
            return np.empty(0), np.empty(0)
        cells = self.session_grid
        return self.clock_ms(cells["grid_start_ns"].to_numpy()), _floats(cells[column])

    def gamma_at(self, event: Row) -> Row | None:
        """Gamma by strike at the last minute mark at or before an event; None before the first.

        `k` are strikes in front-month points (strike + calendar basis) near the level, `call` and
        `put` open-interest GEX, `flow` GEX by the day's flow: USD of delta per 1 % move, or None.
        """
        place = np.searchsorted(self._gamma_taus, event["event_ts_ns"], "right") - 1
        if place < 0:
            return None
        tau = self._gamma_taus[place]
        rows = {name: values[self._gamma["tau_ns"] == tau] for name, values in self._gamma.items()}
        strike = np.round(rows["strike"] + rows["calendar_basis"], 4)
        near = np.abs(strike - event["level_price"]) <= GAMMA_REACH
        strikes, of = np.unique(strike[near], return_inverse=True)

        def sums(values: Floats, among: NDArray[np.bool_]) -> list[float | None]:
            values, known = values[near], (among & np.isfinite(values))[near]
            total = np.bincount(of[known], values[known], len(strikes))
            count = np.bincount(of[known], minlength=len(strikes))
            return [float(t) if n else None for t, n in zip(total, count, strict=True)]

        is_call = rows["right"] == "C"
        return {
            "tau": float(self.clock_ms(tau)),
            "k": strikes.tolist(),
            "call": sums(rows["oi_gex"], is_call),
            "put": sums(rows["oi_gex"], ~is_call),
            "flow": sums(rows["flow_gex"], np.full(len(near), True)),
        }

    @cached_property
    def gamma_marks(self) -> dict[str, Floats]:
        """Flip and walls by minute, and the price, in front-month points; NaN where unknown.

        `t` are the minute marks on New York's wall clock, ms.
        """
        rows = sorted(self.gamma_by_minute, key=lambda row: row["tau_ns"])

        def column(name: str) -> Floats:
            return np.array([np.nan if row[name] is None else row[name] for row in rows], float)

        basis = column("calendar_basis")
        return {
            "t": self.clock_ms([row["tau_ns"] for row in rows]),
            "price": column("underlying_price") + basis,
            **{name: column(source) + basis for name, source in GAMMA_MARKS.items()},
        }

    @property
    def has_gamma_marks(self) -> bool:
        """Whether a flip or a wall is known at some minute."""
        marks = self.gamma_marks
        return any(np.isfinite(marks[name]).any() for name in GAMMA_MARKS)

    def gamma_marks_at(self, event: Row) -> dict[str, float | None]:
        """Flip and walls at the last minute mark at or before an event; None where unknown."""
        marks = self.gamma_marks
        place = np.searchsorted(marks["t"], self.clock_ms(event["event_ts_ns"]), "right") - 1
        known = {name: marks[name][place] if place >= 0 else np.nan for name in GAMMA_MARKS}
        return {name: float(at) if np.isfinite(at) else None for name, at in known.items()}

    @cached_property
    def _gamma(self) -> dict[str, NDArray[Any]]:
        if self.gamma is None:
            return {"tau_ns": np.empty(0, np.int64)}
        numbers = ("strike", "calendar_basis", "oi_gex", "flow_gex")
        return {
            "tau_ns": self.gamma["tau_ns"].to_numpy(),
            "right": self.gamma["right"].to_numpy(),
            **{name: _floats(self.gamma[name]) for name in numbers},
        }

    @cached_property
    def _gamma_taus(self) -> NDArray[np.int64]:
        return np.unique(self._gamma["tau_ns"])


def _floats(column: pa.ChunkedArray) -> Floats:
    return column.cast(pa.float64()).to_numpy()


def _rows_if_there(commit: Commit, name: str) -> list[Row] | None:
    return commit.rows(name) if name in commit.outputs else None
