"""The book and its barrier at one event, as Bokeh figures.

The page's script finds the sources `depth` and `replenishment` and the ranges `depth_reach` and
`flow_reach` by name, and fills them.
"""

from __future__ import annotations

from typing import Any

from bokeh.layouts import column
from bokeh.models import (
    Column,
    ColumnDataSource,
    FactorRange,
    HoverTool,
    NumeralTickFormatter,
    Range1d,
    Span,
)
from bokeh.plotting import figure

from es_physics.report.chart_style import style, tip_pairs
from es_physics.report.event_text import DEPTH_BINS
from es_physics.report.palette import light


def book_chart(bucket_s: float, buckets: int) -> Column:
    """Depth by distance from the best, and what came and went in the zone by time.

    `buckets` of `bucket_s` seconds end at the entry. Both are empty until the script fills them.
    """
    plots = [_depth_figure()]
    if buckets:
        plots.append(_replenishment_figure(bucket_s, buckets))
    for plot in plots:
        style(plot)
    return column(*plots, sizing_mode="stretch_width", spacing=4)


def _figure(title: str, **ranges: Any) -> figure:
    return figure(
        title=title,
        height=168,
        sizing_mode="stretch_width",
        toolbar_location=None,
        tools="",
        min_border_left=66,
        min_border_right=16,
        **ranges,
    )


def _depth_figure() -> figure:
    names = ("bin", "defending", "attacking", "upper", "lower")
    source = ColumnDataSource({name: [] for name in names}, name="depth")
    plot = _figure(
        "Depth at the entry",
        y_range=FactorRange(*reversed(DEPTH_BINS)),
        x_range=Range1d(0, 1, name="depth_reach"),
    )
    for side, place, role in (("defending", "upper", "candle"), ("attacking", "lower", "hollow")):
        bars = plot.hbar(
            y=place,
            right=side,
            height=0.36,
            source=source,
            fill_color=light(role),
            line_color=light("candle"),
        )
        plot.add_tools(
            HoverTool(
                renderers=[bars],
                tooltips=tip_pairs("@bin ticks from the best", [(side, f"@{side} contracts")]),
            )
        )
    plot.yaxis.axis_label = "ticks from the best"
    plot.xaxis.formatter = NumeralTickFormatter(format="0,0")
    plot.xaxis.ticker.desired_num_ticks = 4
    plot.ygrid.visible = False
    return plot


def _replenishment_figure(bucket_s: float, buckets: int) -> figure:
    names = ("seconds", "added", "removed", "traded", "down", "traded_down")
    source = ColumnDataSource({name: [] for name in names}, name="replenishment")
    reach = bucket_s * buckets
    plot = _figure(
        "Came and went in the zone",
        x_range=Range1d(-reach, 0),
        y_range=Range1d(-1, 1, name="flow_reach"),
    )
    bars = [
        plot.vbar(
            x="seconds",
            top=top,
            width=width * bucket_s,
            source=source,
            fill_color=light(role),
            line_color=light("candle"),
        )
        for top, width, role in (
            ("added", 0.8, "candle"),
            ("down", 0.8, "hollow"),
            ("traded_down", 0.3, "put"),
        )
    ]
    plot.add_tools(
        HoverTool(
            renderers=bars,
            tooltips=tip_pairs(
                "@seconds s, middle of the bucket",
                [(name, f"@{name}") for name in ("added", "removed", "traded")],
            ),
        )
    )
    plot.add_layout(Span(dimension="width", location=0, line_color=light("muted"), line_width=1))
    plot.xaxis.axis_label = "seconds to the entry"
    plot.yaxis.axis_label = "contracts"
    plot.yaxis.formatter = NumeralTickFormatter(format="0,0")
    plot.yaxis.ticker.desired_num_ticks = 4
    plot.xgrid.visible = False
    return plot
