"""The part of a range's page that reads gold."""

from __future__ import annotations

from typing import Any

import numpy as np
from bokeh.models import Model

from es_physics.report.event_text import UNKNOWN, number
from es_physics.report.gold_charts import curves_chart, drift_chart, in_words, stratum_data
from es_physics.report.gold_view import TARGETS, GoldView
from es_physics.report.range_charts import group_name, outcome_chart
from es_physics.report.range_view import ALL, OUTCOMES

Row = dict[str, Any]


def gold_charts(gold: GoldView) -> dict[str, Model]:
    """The section's charts by the name of their place."""
    charts: dict[str, Model] = {}
    for target in TARGETS:
        if shares := gold.outcome_shares(target):
            placebos = {
                (share.level_kind, share.direction): share
                for share in gold.outcome_shares(target, placebo=True)
            }
            charts[f"gold-outcomes-{target}"] = outcome_chart(shares, placebos)
    if ALL in gold.strata:
        charts["gold-curves"] = curves_chart(gold)
    if drift := gold.newest_drift():
        charts["gold-drift"] = drift_chart(drift)
    return charts


def gold_text(gold: GoldView) -> dict[str, Any]:
    """What the template says of gold."""
    drift = gold.newest_drift()
    return {
        "first": gold.dates[0] if gold.dates else UNKNOWN,
        "last": gold.dates[-1] if gold.dates else UNKNOWN,
        "sessions": len(gold.dates),
        "fingerprint": gold.fingerprint,
        "targets": [
            {
                "name": target,
                "words": words,
                "counts": in_words(gold.counts(target, ALL)),
                "placebo": in_words(gold.counts(target, ALL, placebo=True)),
                "rows": [_outcome_row(row) for row in gold.outcome_rows(target)],
            }
            for target, words in TARGETS.items()
            if gold.outcome_rows(target)
        ],
        "strata": [{"name": name, "words": _stratum_name(name)} for name in gold.strata],
        "drift": drift,
        "drift_counts": drift
        and {"current": in_words(drift.current), "reference": in_words(drift.reference)},
    }


def gold_data(gold: GoldView) -> dict[str, Any]:
    """What the page's script needs to show another stratum."""
    return {stratum: _as_json(stratum_data(gold, stratum)) for stratum in gold.strata}


def _as_json(data: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {
        "titles": data["titles"],
        "sources": {
            source: {
                name: [round(value, 4) if np.isfinite(value) else None for value in values.tolist()]
                for name, values in columns.items()
            }
            for source, columns in data["sources"].items()
        },
    }


def _stratum_name(stratum: str) -> str:
    kind, _, direction = stratum.rpartition("_")
    return group_name(kind, direction) if stratum != ALL else group_name(ALL, ALL)


def _outcome_row(row: Row) -> Row:
    def with_error(value: str, error: str) -> str:
        if row[value] is None:
            return UNKNOWN
        spread = UNKNOWN if row[error] is None else number(100 * row[error], 1)
        return f"{number(100 * row[value], 1, signed=True)} ± {spread}"

    return {
        "name": group_name(row["level_kind"], row["direction"]),
        "events": row["events"],
        "effective_n": number(row["effective_n"], 1),
        "sessions": row["sessions"],
        "left_out": number(100 * row["left_out_share"], 1),
        "cells": [
            {
                "share": number(100 * row[f"share_{name}"], 1),
                "excess": with_error(f"excess_{name}", f"se_{name}"),
                "difference": with_error(
                    f"placebo_difference_{name}", f"placebo_difference_se_{name}"
                ),
            }
            for name in map(str.lower, OUTCOMES)
        ],
    }
