"""Gamma by strike at one event, as Bokeh figures.

The page's script finds the source `gamma`, the ranges `strikes` and `gex` and the lines `at_level`
and `at_spot` by name.
"""

from __future__ import annotations

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

from es_physics.report.chart_style import style, tip
from es_physics.report.palette import light


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
                    tooltips=tip(f"<b>Strike @k{{0.00}} pt</b><br>{name}: @{name}{{0.00}} M USD"),
                )
            )
        plot.add_layout(
            Span(dimension="height", location=0, line_color=light("muted"), line_width=1)
        )
        for name, role, dash in (("at_level", "select", "solid"), ("at_spot", "ink", "dotted")):
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
