"""Volume and order flow through the day below the price, as Bokeh figures on its time axis.

The page's script finds each as `panel:KEY`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from bokeh.models import (
    CategoricalColorMapper,
    ColumnDataSource,
    HoverTool,
    NumeralTickFormatter,
    Range1d,
    Span,
)
from bokeh.plotting import figure

from es_physics.report.markup import tip_pairs
from es_physics.report.palette import light
from es_physics.report.panels import panel_below
from es_physics.report.session_view import Floats, SessionView

_MINUTE_MS = 60_000


def flow_panels(view: SessionView, price: figure) -> list[tuple[str, str, figure]]:
    """Key, name and figure of every panel that the session has the tables for, none of them empty.

    Volume and delta (bought less sold) by minute and delta's sum, and by cells of `session_grid`
    the order flow imbalance of the best prices and the mean depth of both sides.
    """
    panels = []
    bars, delta = view.bars, view.delta
    middle = view.clock_ms(view.bar_starts_ns) + _MINUTE_MS / 2
    if len(middle) and np.nansum(bars["volume"]) > 0:
        plot = _bars(price, middle, bars["volume"], "volume", "Volume\ncontracts")
        panels.append(("volume", "Volume", plot))
    if delta is not None and np.isfinite(delta).any():
        plot = _bars(price, middle, delta, "delta", "Delta\nbought − sold")
        panels.append(("delta", "Delta", plot))
        start = f"{view.clock_text(view.bar_starts_ns[0])[-8:-3]}"
        ends = view.clock_ms(view.bar_ends_ns)
        total = np.cumsum(np.nan_to_num(delta))
        words = f"Cumulative\nsince {start}"
        panels.append(
            ("cumulative-delta", "Cumulative delta", _line(price, ends, total, "sum", words))
        )
    for key, name, column, words, decimals in (
        ("ofi", "OFI in time", "ofi_best", "OFI, best\ncontracts", 0),
        ("depth", "Depth in time", "mean_depth", "Mean depth\ncontracts", 1),
    ):
        times, values = view.grid(column)
        if np.isfinite(values).any():
            plot = _line(price, times, values, column, words, steps=True, decimals=decimals)
            panels.append((key, name, plot))
    return panels


def _panel(price: figure, values: Floats, words: str) -> figure:
    known = values[np.isfinite(values)]
    low, high = min(0.0, float(known.min())), max(0.0, float(known.max()))
    spare = 0.06 * (high - low) or 1.0
    plot = panel_below(price, 92, Range1d(low - spare * (low < 0), high + spare))
    plot.yaxis.axis_label = words
    plot.yaxis.formatter = NumeralTickFormatter(format="0,0")
    plot.add_layout(Span(dimension="width", location=0, line_color=light("muted"), line_width=1))
    return plot


def _bars(price: figure, times: Floats, values: Floats, name: str, words: str) -> figure:
    """Bars from 0, by rects: Bokeh draws other bars at the frame's edge when they are beyond it."""
    plot = _panel(price, values, words)
    source = ColumnDataSource(
        {
            "t": times,
            "value": values,
            "middle": values / 2,
            "height": np.abs(values),
            "sign": np.where(values < 0, "less", "more").tolist(),
        },
        name=f"flow:{name}",
    )
    ink = light("candle")
    drawn = plot.rect(
        "t",
        "middle",
        0.68 * _MINUTE_MS,
        "height",
        source=source,
        line_color=ink,
        line_width=0.7,
        fill_color={
            "field": "sign",
            "transform": CategoricalColorMapper(
                factors=["more", "less"], palette=[ink, light("hollow")]
            ),
        },
    )
    plot.add_tools(_hover(drawn, name, "@value{0,0} contracts"))
    return plot


def _line(
    price: figure,
    times: Floats,
    values: Floats,
    name: str,
    words: str,
    *,
    steps: bool = False,
    decimals: int = 0,
) -> figure:
    plot = _panel(price, values, words)
    source = ColumnDataSource({"t": times, "value": values}, name=f"flow:{name}")
    style: dict[str, Any] = {"source": source, "line_color": light("flow"), "line_width": 1.4}
    drawn = plot.step("t", "value", mode="after", **style) if steps else None
    drawn = drawn or plot.line("t", "value", **style)
    places = f"0,0.{'0' * decimals}" if decimals else "0,0"
    plot.add_tools(_hover(drawn, words.split("\n")[0], f"@value{{{places}}} contracts", "vline"))
    return plot


def _hover(drawn: Any, name: str, value: str, mode: str = "mouse") -> HoverTool:
    return HoverTool(
        renderers=[drawn],
        mode=mode,
        attachment="left",
        formatters={"@t": "datetime"},
        tooltips=tip_pairs("@t{%H:%M:%S}", [(name.lower(), value)]),
    )
