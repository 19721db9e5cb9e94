"""Gamma by strike at one event, and its flip and walls through the day, as Bokeh figures.

The page's script finds the source `gamma`, the ranges `strikes` and `gex` and the lines `at_level`,
`at_spot`, `at_flip`, `at_call_wall` and `at_put_wall` by name.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from bokeh.layouts import column
from bokeh.models import (
    Column,
    ColumnDataSource,
    HoverTool,
    NumeralTickFormatter,
    Range1d,
    Span,
)
from bokeh.plotting import figure

from es_physics.report.chart_style import style, tip_pairs
from es_physics.report.palette import light
from es_physics.report.panels import panel_below

MARK_STYLES = {
    # name: words, role of the colour, dash
    "flip": ("flip", "flow", "solid"),
    "call_wall": ("call wall", "call", "dashed"),
    "put_wall": ("put wall", "put", "dotdash"),
}
"""How the lines of `session_view.GAMMA_MARKS` are drawn."""


def gamma_chart() -> Column:
    """Gamma by strike at one event; empty until the page's script fills the source `gamma`."""
    source = ColumnDataSource(
        {"k": [], "call": [], "put": [], "flow": []},
        name="gamma",
    )
    strikes = Range1d(0, 1, name="strikes")
    plots = []
    for title, bars in (
        ("By open interest", (("call", "call", ""), ("put", "put", "right_diagonal_line"))),
        ("By today's flow", (("flow", "flow", ""),)),
    ):
        plot = figure(
            height=320,
            sizing_mode="stretch_width",
            title=title,
            y_range=strikes,
            x_range=Range1d(-1, 1, name="gex"),
            toolbar_location=None,
            tools="",
            min_border_left=66,
            min_border_right=16,
        )
        for name, role, hatch in bars:
            bar = plot.hbar(
                y="k",
                right=name,
                left=0,
                height=3.4,
                source=source,
                fill_color=light(role),
                line_color=light(role),
                fill_alpha=0.75,
                hatch_pattern=hatch or None,
                hatch_color=light("surface"),
                hatch_scale=6,
            )
            plot.add_tools(
                HoverTool(
                    renderers=[bar],
                    tooltips=tip_pairs("Strike @k{0.00} pt", [(name, f"@{name}{{0.00}} M USD")]),
                )
            )
        plot.add_layout(
            Span(dimension="height", location=0, line_color=light("muted"), line_width=1)
        )
        for name, role, dash in (
            *((f"at_{name}", role, dash) for name, (_, role, dash) in MARK_STYLES.items()),
            ("at_level", "select", "solid"),
            ("at_spot", "ink", "dotted"),
        ):
            plot.add_layout(
                Span(
                    name=name,
                    dimension="width",
                    location=0,
                    visible=False,
                    line_color=light(role),
                    line_dash=dash,
                    line_width=2,
                )
            )
        plot.yaxis.axis_label = "strike, pt"
        plot.yaxis.formatter = NumeralTickFormatter(format="0")
        plot.xaxis.formatter = NumeralTickFormatter(format="0.[00]a")
        plot.xaxis.ticker.desired_num_ticks = 5
        style(plot)
        plots.append(plot)
    plots[-1].xaxis.axis_label = "million USD of delta per 1 % move"
    plots[-1].height += 18
    return column(*plots, sizing_mode="stretch_width", spacing=6)


def gamma_panel(
    marks: Mapping[str, np.ndarray], price: figure, selected: ColumnDataSource
) -> figure:
    """Flip and walls by minute beside the price, in front-month points, below the price chart.

    `marks` are times `t` (ms), the `price` and those of `GAMMA_MARKS`, NaN where unknown. A
    panel of its own: they are features, and nothing enters a zone around them.
    """
    known = np.concatenate([marks[name] for name in ("price", *MARK_STYLES)])
    low, high = float(np.nanmin(known)), float(np.nanmax(known))
    spare = max(0.06 * (high - low), 1.0)
    plot = panel_below(price, 170, Range1d(low - spare, high + spare))
    source = ColumnDataSource(dict(marks), name="gamma_marks")
    plot.segment("x", -1e9, "x", 1e9, source=selected, line_color=light("select"), line_width=1.2)
    hovered = plot.line("t", "price", source=source, line_color=light("candle"), line_width=1)
    for name, (_, role, dash) in MARK_STYLES.items():
        plot.step(
            "t",
            name,
            source=source,
            mode="after",
            name=f"gamma:{name}",
            line_color=light(role),
            line_dash=dash,
            line_width=1.8,
        )
    plot.add_tools(
        HoverTool(
            renderers=[hovered],
            mode="vline",
            attachment="right",
            formatters={"@t": "datetime"},
            tooltips=tip_pairs(
                "@t{%H:%M}",
                [
                    ("price", "@price{0,0.00} pt"),
                    *(
                        (words, f"@{name}{{0,0.00}} pt")
                        for name, (words, *_) in MARK_STYLES.items()
                    ),
                ],
            ),
        )
    )
    plot.yaxis.axis_label = "Flip and walls\nindex points"
    plot.yaxis.formatter = NumeralTickFormatter(format="0,0")
    plot.yaxis.ticker.desired_num_ticks = 4
    return plot
