"""The session's price chart with the order flow below it, as Bokeh figures.

The page's script finds models by name: `events`, `shown`, `bars`, `clock`, `price`, `selected`,
`horizon`, `premarket`, `vwap`, `zone:KIND`, `level:KIND` per level kind, and `panel:KEY`, whose tag
is its height without a time axis.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from bokeh.layouts import column
from bokeh.models import (
    BooleanFilter,
    BoxAnnotation,
    CategoricalColorMapper,
    CDSView,
    Column,
    ColumnDataSource,
    CrosshairTool,
    GlyphRenderer,
    HoverTool,
    Label,
    Node,
    NumeralTickFormatter,
    PanTool,
    Range1d,
    Span,
    TapTool,
    WheelZoomTool,
)
from bokeh.plotting import figure

from es_physics.report.chart_style import FONT, fill, style, tip, tip_pairs
from es_physics.report.event_text import PANELS, Fact, tooltip
from es_physics.report.flow_panels import flow_panels
from es_physics.report.gamma_chart import gamma_panel
from es_physics.report.palette import light, outcome_role
from es_physics.report.panels import AXIS_WIDTH, TAGS_WIDTH, clock_axis, panel_below, shade_until
from es_physics.report.session_view import Floats, SessionView

MARKER_SIZE = 13
_MINUTE_MS = 60_000


def session_chart(view: SessionView) -> tuple[Column, list[tuple[str, str]]]:
    """Candles, levels, zones and events, and below them what flowed, by time.

    With it the keys and names of the panels below the price; the script shows and hides them.
    """
    price = _price_figure(view)
    events = _event_source(view)
    shown = BooleanFilter(name="shown", booleans=[True] * len(view.events))
    crosshair = Span(
        dimension="height", line_color=light("muted"), line_dash="dotted", line_width=1
    )
    selected = ColumnDataSource({"x": [], "marker": [], "y": []}, name="selected")
    panels = flow_panels(view, price)
    for _, _, plot in panels:
        _mark_time(plot, selected)
    panels += [
        (
            f"at-{fact.column}",
            f"{fact.title} at entries",
            _panel(view, price, events, shown, selected, fact),
        )
        for fact in PANELS
        if fact.column in events.data and view.events
    ]
    if view.has_gamma_marks:
        panels.append(("gamma", "Flip and walls", gamma_panel(view.gamma_marks, price, selected)))
    _mark_selection(price, selected, "y")
    _mark_events(price, view, events, shown, "y")
    for key, _, plot in panels:
        plot.name = f"panel:{key}"
        plot.tags = [plot.height]
        plot.xaxis.axis_label = "New York time"
        plot.xaxis.visible = False
    price.tags = [price.height]
    price.xaxis.axis_label = "New York time"
    for plot in (price, *(plot for _, _, plot in panels)):
        plot.add_tools(CrosshairTool(overlay=crosshair))
        style(plot)
    return (
        column(price, *(plot for _, _, plot in panels), sizing_mode="stretch_width", spacing=2),
        [(key, name) for key, name, _ in panels],
    )


def _price_figure(view: SessionView) -> figure:
    session = view.session
    first, last, rth_start, event_end = (
        float(view.clock_ms(session[name]))
        for name in ("premarket_start_ns", "rth_end_ns", "rth_start_ns", "event_end_ns")
    )
    clock = Range1d(
        rth_start - 30 * _MINUTE_MS,
        min(event_end + 20 * _MINUTE_MS, last),
        name="clock",
        bounds=(first, last),
        min_interval=5 * _MINUTE_MS,
        tags=[first, last, rth_start, event_end],
    )
    wheel = WheelZoomTool(dimensions="width")
    plot = figure(
        name="price",
        height=500,
        sizing_mode="stretch_width",
        x_range=clock,
        y_range=Range1d(0, 1),
        x_axis_type="datetime",
        toolbar_location=None,
        tools=[PanTool(dimensions="width"), wheel],
        active_scroll=wheel,
        min_border_left=AXIS_WIDTH,
        min_border_right=TAGS_WIDTH,
    )
    clock_axis(plot)
    plot.yaxis.formatter = NumeralTickFormatter(format="0,0.00")
    plot.yaxis.axis_label = "index points"
    plot.add_layout(shade_until(rth_start))
    plot.add_layout(
        Label(
            name="premarket",
            x=rth_start,
            x_offset=-6,
            y=Node(target="frame", symbol="top", offset=6),
            text="premarket",
            text_align="right",
            text_baseline="top",
            text_color=light("muted"),
            text_font=FONT,
            text_font_size="11px",
        )
    )
    plot.add_layout(
        Span(
            dimension="height",
            location=event_end,
            line_color=light("muted"),
            line_dash="dashed",
            line_width=1,
        )
    )
    plot.add_layout(
        Label(
            x=event_end,
            x_offset=-5,
            y=Node(target="frame", symbol="top", offset=6),
            text="last anchor",
            text_align="right",
            text_baseline="top",
            text_color=light("muted"),
            text_font=FONT,
            text_font_size="11px",
        )
    )
    _draw_levels(plot, view)
    _draw_candles(plot, view)
    _draw_vwap(plot, view)
    return plot


def _draw_vwap(plot: figure, view: SessionView) -> None:
    """A line to look at: no level, without a zone."""
    times, prices = view.vwap()
    plot.line(
        "t",
        "vwap",
        source=ColumnDataSource({"t": times, "vwap": prices}, name="vwap_source"),
        name="vwap",
        line_color=light("vwap"),
        line_dash="dotdash",
        line_width=1.5,
    )


def _draw_levels(plot: figure, view: SessionView) -> None:
    for kind, (role, dash) in view.styles.items():
        if kind not in view.levels:
            continue
        xs, ys = _zone(view, kind)
        plot.patches(
            xs, ys, fill_color=light(role), fill_alpha=0.11, line_color=None, name=f"zone:{kind}"
        )
        times, prices = _path(view, kind)
        plot.line(
            times,
            prices,
            line_color=light(role),
            line_dash=dash,
            line_width=1.6,
            name=f"level:{kind}",
        )


def _zone(view: SessionView, kind: str) -> tuple[list[Floats], list[Floats]]:
    """Outlines of a kind's zone while events count, one per stretch in which it is valid."""
    clock = view.clock_ms(view.zone_clock_ns)
    price = view.level_at(kind, view.zone_clock_ns[:-1])
    width = view.zone_width[:-1]
    xs, ys = [], []
    for stretch in np.ma.clump_unmasked(np.ma.masked_invalid(price)):
        # A zone holds from one time to the next: each side is a staircase.
        x = np.repeat(clock[stretch.start : stretch.stop + 1], 2)[1:-1]
        low, high = (np.repeat((price + sign * width)[stretch], 2) for sign in (-1, 1))
        xs.append(np.concatenate([x, x[::-1]]))
        ys.append(np.concatenate([low, high[::-1]]))
    return xs, ys


def _path(view: SessionView, kind: str) -> tuple[Floats, Floats]:
    """A level's line over its validity only: flat over each interval, cut where there is none."""
    rows = sorted(view.levels[kind], key=lambda row: row["valid_from_ns"])
    times: list[float] = []
    prices: list[float] = []
    for row, before in zip(rows, [None, *rows], strict=False):
        if before is not None and before["valid_to_ns"] < row["valid_from_ns"]:
            times.append(times[-1])
            prices.append(np.nan)
        first = max(row["valid_from_ns"], view.session["premarket_start_ns"])
        last = min(row["valid_to_ns"], view.session["rth_end_ns"])
        if first < last:
            times += [float(view.clock_ms(first)), float(view.clock_ms(last))]
            prices += [row["level_price"]] * 2
    return np.array(times), np.array(prices)


def _draw_candles(plot: figure, view: SessionView) -> None:
    """Hollow if the minute rose, filled if it fell: no colour needed."""
    bars = view.bars
    rose = bars["close"] >= bars["open"]
    source = ColumnDataSource(
        {
            "t": view.clock_ms(view.bar_starts_ns) + _MINUTE_MS / 2,
            **{name: bars[name] for name in ("open", "high", "low", "close", "volume")},
            "middle": (bars["open"] + bars["close"]) / 2,
            # A body of no height would not be drawn.
            "body": np.fmax(np.abs(bars["close"] - bars["open"]), 1e-9),
            "fill": np.where(rose, "rose", "fell").tolist(),
        },
        name="bars",
    )
    ink = light("candle")
    plot.segment("t", "high", "t", "low", source=source, line_color=ink, line_width=1)
    # Bokeh draws a vbar that lies outside the frame as a line at the frame's edge, a rect not.
    body = plot.rect(
        "t",
        "middle",
        0.68 * _MINUTE_MS,
        "body",
        source=source,
        line_color=ink,
        line_width=1,
        fill_color={
            "field": "fill",
            "transform": CategoricalColorMapper(
                factors=["rose", "fell"], palette=[light("hollow"), ink]
            ),
        },
    )
    plot.add_tools(
        HoverTool(
            renderers=[body],
            attachment="left",
            formatters={"@t": "datetime"},
            tooltips=tip_pairs(
                "@t{%H:%M} minute",
                [
                    *((name, f"@{name}{{0,0.00}} pt") for name in ("open", "high", "low", "close")),
                    ("volume", "@volume{0,0} contracts"),
                ],
            ),
        )
    )


def _event_source(view: SessionView) -> ColumnDataSource:
    events = view.events
    numeric = {
        name: np.array([np.nan if row[name] is None else float(row[name]) for row in events])
        for name in (fact.column for fact in PANELS)
        if not events or name in events[0]
    }
    return ColumnDataSource(
        {
            "x": view.clock_ms([row["event_ts_ns"] for row in events]),
            "y": np.array([row["spot"] for row in events], np.float64),
            "marker": [_marker(row) for row in events],
            "outcome": [row["outcome"] for row in events],
            "alpha": np.array([fill(row["outcome"]) for row in events]),
            "tip": [str(tooltip(row)) for row in events],
            **numeric,
        },
        name="events",
    )


def _marker(event: dict[str, Any]) -> str:
    return "triangle" if event["direction"] == "UP" else "inverted_triangle"


def _mark_events(
    plot: figure, view: SessionView, events: ColumnDataSource, shown: BooleanFilter, y: str
) -> GlyphRenderer:
    colour = {
        "field": "outcome",
        "transform": CategoricalColorMapper(
            factors=view.outcomes,
            palette=[light(outcome_role(outcome)) for outcome in view.outcomes],
        ),
    }
    marks = plot.scatter(
        "x",
        y,
        source=events,
        view=CDSView(filter=shown),
        marker="marker",
        size=MARKER_SIZE,
        line_width=2,
        line_color=colour,
        fill_color=colour,
        fill_alpha="alpha",
    )
    # Clicking selects, and the page marks the selection itself.
    marks.nonselection_glyph = marks.selection_glyph = None
    plot.add_tools(
        HoverTool(renderers=[marks], attachment="right", tooltips=tip("@tip{safe}")),
        TapTool(renderers=[marks]),
    )
    return marks


def _mark_selection(plot: figure, selected: ColumnDataSource, y: str) -> None:
    if y == "y":
        plot.add_layout(
            BoxAnnotation(
                name="horizon",
                visible=False,
                left=0,
                right=0,
                top=0,
                bottom=0,
                fill_color=light("select"),
                fill_alpha=0.07,
                line_color=light("select"),
                line_alpha=0.5,
                line_dash="dashed",
            )
        )
    _mark_time(plot, selected)
    plot.scatter(
        "x",
        y,
        source=selected,
        marker="circle",
        size=2.1 * MARKER_SIZE,
        fill_alpha=0,
        line_color=light("select"),
        line_width=2.5,
    )


def _mark_time(plot: figure, selected: ColumnDataSource) -> None:
    plot.segment("x", -1e9, "x", 1e9, source=selected, line_color=light("select"), line_width=1.2)


def _panel(
    view: SessionView,
    price: figure,
    events: ColumnDataSource,
    shown: BooleanFilter,
    selected: ColumnDataSource,
    fact: Fact,
) -> figure:
    name = fact.column
    values = events.data[name]
    known = np.abs(values[np.isfinite(values)])
    reach = 1.15 * float(known.max(initial=0.0)) or 1.0
    lowest = 0.0 if known.size and (values[np.isfinite(values)] >= 0).all() else -reach
    if name == "tape_imbalance":
        lowest, reach = -1.25, 1.25
    plot = panel_below(price, 112, Range1d(lowest, reach))
    plot.yaxis.axis_label = f"{fact.title}\n{fact.subtitle}"
    plot.yaxis.formatter = NumeralTickFormatter(format="0,0.[0]")
    plot.add_layout(Span(dimension="width", location=0, line_color=light("muted"), line_width=1))
    selected.data[name] = []
    _mark_selection(plot, selected, name)
    plot.segment(
        "x",
        0,
        "x",
        name,
        source=events,
        view=CDSView(filter=shown),
        line_color=light("muted"),
        line_width=1.5,
    )
    _mark_events(plot, view, events, shown, name)
    return plot
