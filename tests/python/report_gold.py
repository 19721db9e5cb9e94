"""Small published gold, made by hand, for the tests of the pages."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from es_physics.silver.commit import GOLD, publish

FIRST = date(2025, 11, 3)
DAYS = [FIRST + timedelta(days=place) for place in range(3)]
Row = dict[str, Any]


def publish_gold(root: Path, *, without: str = "") -> None:
    """Publish gold of three sessions of two events each, without the table that `without` names."""
    tables = {
        "level_outcomes": _level_outcomes(),
        "cumulative_incidence": _incidence(),
        "event_curves": _curves(),
        "feature_drift": _drift(),
        "event_matrix": [{"event_id": name, "session_date": day} for name, day in _events()],
        "event_targets": [
            {"event_id": name, "target": target, "weight": 0.75}
            for name, _ in _events()
            for target in ("fixed", "scaled_100")
        ],
    }
    sessions = [{"session_date": str(day), "fingerprint": "0" * 64} for day in DAYS]
    publish(
        root,
        GOLD,
        {name: pa.Table.from_pylist(rows) for name, rows in tables.items() if name != without},
        {"sessions": sessions, "vars": {}},
        run_started_at=datetime.now(UTC).isoformat(),
    )


def _events() -> list[tuple[str, date]]:
    return [(f"{day:%Y%m%d}_{place}", day) for day in DAYS for place in (1, 2)]


def _level_outcomes() -> list[Row]:
    strata = ((None, None, None), ("PM_HIGH", "UP", None), ("PM_HIGH", "UP", 2))
    rows = []
    for target in ("fixed", "scaled_050", "scaled_100"):
        for is_placebo in (False, True):
            for kind, direction, phase in strata:
                row: Row = {
                    "is_placebo": is_placebo,
                    "level_kind": kind,
                    "direction": direction,
                    "session_phase": phase,
                    "target": target,
                    "events": 24 if is_placebo else 6,
                    "effective_n": 12.5 if is_placebo else 4.5,
                    "sessions": 3,
                    "left_out_share": 0.25,
                }
                for name, share in (("break", 0.5), ("bounce", 0.3), ("chop", 0.2)):
                    row |= {
                        f"share_{name}": share,
                        f"share_low_{name}": share - 0.125,
                        f"share_high_{name}": share + 0.125,
                        f"null_p_{name}": share - 0.02,
                        f"excess_{name}": 0.02,
                        f"se_{name}": None,
                        f"placebo_difference_{name}": None if is_placebo else -0.031,
                        f"placebo_difference_se_{name}": None if is_placebo else 0.012,
                    }
                rows.append(row)
    return rows


def _incidence() -> list[Row]:
    return [
        {
            "target": target,
            "stratum": stratum,
            "second": second,
            "cause": cause,
            "events": 7,
            "incidence": second / 1000 * (2 if stratum == "ALL" else 1),
            "null_incidence": None if second % 10 else second / 1200,
        }
        for target in ("fixed", "scaled_100")
        for stratum in ("ALL", "PM_HIGH_UP")
        for second in range(41)
        for cause in ("BREAK", "BOUNCE")
    ]


def _curves() -> list[Row]:
    return [
        {
            "stratum": stratum,
            "is_placebo": is_placebo,
            "offset_s": offset,
            "move": offset / 100,
            "move_se": None if stratum == "ALL" else 0.5,
            "move_events": 8,
            "signed_volume": None if offset > 30 else 2.0 * offset,
            "signed_volume_se": 1.0,
            "signed_volume_events": 8,
        }
        for stratum in ("ALL", "PM_HIGH_UP")
        for is_placebo in (False, True)
        for offset in range(-40, 50, 10)
    ]


def _drift() -> list[Row]:
    """Of two sessions; at the newest, two events against the two before them."""
    return [
        {
            "session_date": day,
            "feature": feature,
            "psi": psi,
            "bins": 5,
            "n_reference": 2,
            "n_current": 2,
            "expected": 0.4,
            "expected_slow": 1.0,
        }
        for day in DAYS[1:]
        for feature, psi in (("atr", 0.1), ("</script><b>odd</b>", 1.5), ("wall_ratio", None))
    ]
