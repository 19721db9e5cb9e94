"""Charts of what many sessions say, as Bokeh figures.

The page's script finds the sources `gold:NAME` and the figures `gold-title:NAME`, NAME being
`incidence:TARGET`, `move` and `signed_volume`, the latter two with `:placebo` for its source.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from bokeh.models import ColumnDataSource, GridBox, HoverTool, NumeralTickFormatter, Range1d, Span
from bokeh.plotting import figure

from es_physics.report.chart_style import flowing_grid, style, tip_pairs
from es_physics.report.event_text import number
from es_physics.report.gold_view import (
    CAUSES,
    INCIDENCE_TARGETS,
    TARGETS,
    Counts,
    DriftRows,
    GoldView,
)
from es_physics.report.palette import light
from es_physics.report.range_view import ALL

CURVES = {
    "move": ("Mean move in the direction of approach", "points"),
    "signed_volume": ("Mean volume bought less sold, in that direction", "contracts"),
}


def in_words(counts: Counts) -> str:
    """Events, sessions and effective n of a figure."""
    return (
        f"{counts.events:,} entries, {counts.sessions} session{'s' * (counts.sessions != 1)}, "
        f"effective n {number(counts.effective_n, 1)}"
    )


def stratum_data(gold: GoldView, stratum: str) -> dict[str, dict[str, Any]]:
    """What the charts of one stratum show: `titles` by figure, and columns by source."""
    titles: dict[str, str] = {}
    sources: dict[str, Any] = {}
    for target in INCIDENCE_TARGETS:
        name = f"incidence:{target}"
        events, sources[name] = gold.incidence_of(target, stratum)
        counted = gold.counts(target, stratum)
        titles[name] = f"Barriers at {TARGETS[target]}\n" + in_words(
            Counts(events, counted.sessions, counted.effective_n)
        )
    for name, (words, _) in CURVES.items():
        lines = []
        for what, placebo, source in (("real", False, name), ("placebo", True, f"{name}:placebo")):
            events, sources[source] = gold.curve_of(name, stratum, placebo=placebo)
            counted = gold.counts(INCIDENCE_TARGETS[0], stratum, placebo=placebo)
            lines.append(
                f"{what} " + in_words(Counts(events, counted.sessions, counted.effective_n))
            )
        titles[name] = "\n".join([words, *lines])
    return {"titles": titles, "sources": sources}


def curves_chart(gold: GoldView) -> GridBox:
    """Incidence for two targets, and price and flow around entries, of all entries at first."""
    data = stratum_data(gold, ALL)
    reach = max(
        (
            float(np.nanmax(columns[cause], initial=0.0))
            for stratum in gold.strata
            for target in INCIDENCE_TARGETS
            for columns in [gold.incidence_of(target, stratum)[1]]
            for cause in (*CAUSES, *(f"null_{cause}" for cause in CAUSES))
        ),
        default=1.0,
    )
    heights = Range1d(0, min(1.0, 1.08 * reach) or 1.0)
    incidence = [
        _incidence_figure(f"incidence:{name}", data, heights) for name in INCIDENCE_TARGETS
    ]
    around = [_curve_figure(name, unit, data) for name, (_, unit) in CURVES.items()]
    return flowing_grid([*incidence, *around], columns=2, least_width=420)


def _figure(name: str, data: dict[str, dict[str, Any]], **ranges: Any) -> figure:
    plot = figure(
        name=f"gold-title:{name}",
        title=data["titles"][name],
        height=300,
        sizing_mode="stretch_width",
        toolbar_location=None,
        tools="",
        min_border_right=16,
        **ranges,
    )
    style(plot)
    return plot


def _incidence_figure(name: str, data: dict[str, dict[str, Any]], heights: Range1d) -> figure:
    source = ColumnDataSource(data["sources"][name], name=f"gold:{name}")
    plot = _figure(name, data, y_range=heights)
    for cause, dash in zip(CAUSES, ("solid", "dashed"), strict=True):
        role = light(cause.lower())
        drawn = plot.step(
            "minutes",
            cause,
            source=source,
            mode="after",
            line_color=role,
            line_width=2.2,
            line_dash=dash,
        )
        # Known at every other time only: marks, not a line that would break.
        plot.scatter("minutes", f"null_{cause}", source=source, size=2.6, color=role)
        if cause == CAUSES[0]:
            plot.add_tools(
                HoverTool(
                    renderers=[drawn],
                    mode="vline",
                    tooltips=tip_pairs(
                        "@minutes{0.0} min after the entry",
                        [(one, f"@{one}{{0.0 %}}") for one in CAUSES],
                    ),
                )
            )
    plot.yaxis.formatter = NumeralTickFormatter(format="0 %")
    plot.xaxis.axis_label = "minutes after the entry"
    return plot


def _curve_figure(name: str, unit: str, data: dict[str, dict[str, Any]]) -> figure:
    plot = _figure(name, data)
    for what, source_name, role, dash in (
        ("placebo", f"{name}:placebo", "muted", "dashed"),
        ("real", name, "flow", "solid"),
    ):
        source = ColumnDataSource(data["sources"][source_name], name=f"gold:{source_name}")
        plot.varea("minutes", "low", "high", source=source, fill_color=light(role), fill_alpha=0.2)
        line = plot.line(
            "minutes", "mean", source=source, line_color=light(role), line_width=2, line_dash=dash
        )
        plot.add_tools(
            HoverTool(
                renderers=[line],
                mode="vline",
                tooltips=tip_pairs(
                    f"{what}, @minutes{{0.0}} min",
                    [("mean", f"@mean{{0.00}} {unit}"), ("95 %", "@low{0.00} to @high{0.00}")],
                ),
            )
        )
    plot.add_layout(Span(dimension="height", location=0, line_color=light("muted"), line_width=1))
    plot.xaxis.axis_label = "minutes from the entry"
    plot.yaxis.axis_label = unit
    return plot


def drift_chart(drift: DriftRows) -> figure:
    """psi of features beside what it would be without drift."""
    names = [row["feature"] for row in drift.rows]
    source = ColumnDataSource(
        {
            "feature": names,
            **{
                name: np.array([row[name] for row in drift.rows])
                for name in ("psi", "expected", "expected_slow")
            },
        }
    )
    reach = 1.06 * max(max(row["psi"], row["expected_slow"]) for row in drift.rows)
    plot = figure(
        height=90 + 16 * len(names),
        sizing_mode="stretch_width",
        toolbar_location=None,
        tools="",
        y_range=list(reversed(names)),
        x_range=Range1d(0, reach or 1.0),
        min_border_right=16,
    )
    bars = plot.hbar(
        "feature",
        right="psi",
        height=0.62,
        source=source,
        fill_color=light("flow"),
        line_color=None,
    )
    plot.scatter(
        "expected",
        "feature",
        source=source,
        marker="diamond",
        size=9,
        line_color=light("ink"),
        fill_color=light("hollow"),
    )
    plot.scatter(
        "expected_slow",
        "feature",
        source=source,
        marker="dash",
        angle=np.pi / 2,
        size=13,
        line_color=light("bad"),
        line_width=2,
    )
    plot.add_tools(
        HoverTool(
            renderers=[bars],
            tooltips=tip_pairs(
                "@feature",
                [
                    ("psi", "@psi{0.000}"),
                    ("without drift", "@expected{0.000}"),
                    ("of one number a session", "@expected_slow{0.000}"),
                ],
            ),
        )
    )
    style(plot)
    plot.ygrid.visible = False
    plot.xaxis.axis_label = "population stability index"
    return plot
