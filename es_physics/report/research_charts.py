"""Charts of one model of a run, as Bokeh figures, and small intervals for tables, as SVG.

Every figure is empty until the page's script fills it for the chosen model and sets its ranges. It
finds sources and figures by name, and a figure's ranges as `FIGURE:x` and `FIGURE:y`:
`reliability:SLOT` and `reliability-title:SLOT` (SLOT a class, by place), `gains`, `gains:sum`,
`gains:others`, `gains-title:session`, `gains-title:sum`, `dependence:SLOT` and
`dependence-title:SLOT` (SLOT a feature, by place).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bokeh.models import (
    ColumnDataSource,
    DatetimeTickFormatter,
    FixedTicker,
    HoverTool,
    Model,
    NumeralTickFormatter,
    Range1d,
    Span,
)
from bokeh.plotting import figure
from markupsafe import Markup

from es_physics.report.chart_style import style, tip_pairs
from es_physics.report.palette import light

CLASS_SLOTS = 3
FEATURE_SLOTS = 8
CLASS_ROLES = ("break", "bounce", "chop")
"""Colours of the first, second and third class; their lines differ in dashes as well."""
DASHES = ("solid", "dashed", "dotted")
_AXIS_WIDTH = 64
"""Pixels: a frame that moved with its labels would leave marks of the axis before."""
PLACES = ("first", "second", "third")
"""Columns of the chances of the first, second and third class."""


def research_charts() -> dict[str, Model]:
    """The charts by the name of their place."""
    charts: dict[str, Model] = {
        f"reliability-{slot}": _reliability_figure(slot) for slot in range(CLASS_SLOTS)
    }
    session = _session_figure()
    charts["gains-session"] = session
    charts["gains-sum"] = _sum_figure()
    for slot in range(FEATURE_SLOTS):
        charts[f"dependence-{slot}"] = _dependence_figure(slot)
    return charts


def _figure(name: str, height: int, lines: int = 2, **more: object) -> figure:
    """A figure whose title has room for so many lines."""
    plot = figure(
        name=name,
        title=" \n" * (lines - 1) + " ",
        x_range=Range1d(0, 1, name=f"{name}:x"),
        y_range=Range1d(0, 1, name=f"{name}:y"),
        height=height,
        sizing_mode="stretch_width",
        toolbar_location=None,
        tools="",
        min_border_left=_AXIS_WIDTH,
        min_border_right=14,
        **more,
    )
    style(plot)
    return plot


def _empty(name: str, *columns: str) -> ColumnDataSource:
    return ColumnDataSource({column: [] for column in columns}, name=name)


def _reliability_figure(slot: int) -> figure:
    plot = _figure(f"reliability-title:{slot}", 300)
    plot.line([0, 1], [0, 1], line_color=light("muted"), line_dash="dotted", line_width=1)
    walk = _empty(f"reliability:{slot}:reference", "p", "share")
    plot.scatter(
        "p", "share", source=walk, marker="diamond", size=9,
        line_color=light("ink"), fill_color=light("hollow"),
    )  # fmt: skip
    source = _empty(f"reliability:{slot}", "p", "share", "low", "high", "size", "events", "weight")
    role = light(CLASS_ROLES[slot])
    plot.segment("p", "low", "p", "high", source=source, line_color=role, line_width=1.4)
    drawn = plot.scatter("p", "share", source=source, size="size", color=role)
    plot.add_tools(
        HoverTool(
            renderers=[drawn],
            tooltips=tip_pairs(
                "said @p{0.0 %}",
                [
                    ("came", "@share{0.0 %}"),
                    ("95 %", "@low{0.0 %} to @high{0.0 %}"),
                    ("entries", "@events"),
                    ("effective n", "@weight{0.0}"),
                ],
            ),
        )
    )
    for axis, label in ((plot.xaxis, "said"), (plot.yaxis, "came")):
        axis.axis_label = label
        axis.formatter = NumeralTickFormatter(format="0 %")
        axis.ticker = FixedTicker(ticks=[0, 0.25, 0.5, 0.75, 1])
    return plot


def _session_figure() -> figure:
    plot = _figure("gains-title:session", 220, x_axis_type="datetime")
    source = _gains_source("gains")
    plot.segment("day", 0, "day", "gain", source=source, line_color=light("flow"), line_width=2)
    drawn = plot.scatter("day", "gain", source=source, size=5, color=light("flow"))
    plot.add_tools(_gain_tip(drawn))
    _time_axis(plot)
    plot.yaxis.axis_label = "10⁻³ nats per entry"
    return plot


def _sum_figure() -> figure:
    plot = _figure("gains-title:sum", 220, x_axis_type="datetime")
    others = _empty("gains:others", "days", "sums")
    plot.multi_line("days", "sums", source=others, line_color=light("muted"), line_alpha=0.45)
    source = _gains_source("gains:sum")
    drawn = plot.line("day", "sum", source=source, line_color=light("flow"), line_width=2.2)
    plot.add_tools(_gain_tip(drawn))
    _time_axis(plot)
    plot.yaxis.axis_label = "nats"
    return plot


def _gains_source(name: str) -> ColumnDataSource:
    return _empty(name, "day", "date", "gain", "sum", "events")


def _gain_tip(renderer: object) -> HoverTool:
    return HoverTool(
        renderers=[renderer],
        mode="vline",
        tooltips=tip_pairs(
            "@date",
            [
                ("entries", "@events"),
                ("per entry", "@gain{0.0} · 10⁻³ nats"),
                ("summed", "@sum{0.00} nats"),
            ],
        ),
    )


def _time_axis(plot: figure) -> None:
    plot.add_layout(Span(dimension="width", location=0, line_color=light("muted"), line_width=1))
    plot.xaxis.formatter = DatetimeTickFormatter(
        days="%b %d", months="%b %Y", years="%Y", hours="%b %d"
    )
    plot.xaxis.ticker.desired_num_ticks = 5
    plot.yaxis.ticker.desired_num_ticks = 4


def _dependence_figure(slot: int) -> figure:
    plot = _figure(f"dependence-title:{slot}", 200, lines=1)
    source = _empty(f"dependence:{slot}", "value", *PLACES)
    lines = [
        plot.line(
            "value",
            column,
            source=source,
            line_color=light(CLASS_ROLES[place]),
            line_dash=DASHES[place],
            line_width=2,
        )
        for place, column in enumerate(PLACES)
    ]
    plot.add_tools(
        HoverTool(
            renderers=lines[:1],
            mode="vline",
            tooltips=tip_pairs("@value{0.[000]}", [(one, f"@{one}{{+0.00 %}}") for one in PLACES]),
        )
    )
    plot.yaxis.formatter = NumeralTickFormatter(format="+0.0 %")
    plot.xaxis.ticker.desired_num_ticks = 4
    plot.yaxis.ticker.desired_num_ticks = 4
    return plot


@dataclass(frozen=True)
class Forest:
    """Intervals drawn one below another in a table's cells, on one scale that holds 0."""

    low: float
    high: float
    width: int = 170

    @classmethod
    def of(cls, values: Iterable[float | None]) -> Forest:
        """A scale that holds 0 and all known values."""
        known = [value for value in values if value is not None] + [0.0]
        margin = 0.04 * (max(known) - min(known)) or 0.001
        return cls(min(known) - margin, max(known) + margin)

    def _x(self, value: float) -> float:
        inner = self.width - 12
        share = (value - self.low) / (self.high - self.low)
        return round(6 + inner * min(max(share, 0.0), 1.0), 1)

    def cell(self, value: float | None, low: float | None, high: float | None, role: str) -> Markup:
        """The value as a dot, its interval as a line, 0 as a rule; an arrow where it lies beyond.

        `role` is a colour of the palette.
        """
        zero, parts = self._x(0.0), []
        parts.append(f'<path d="M{zero} 0v18" stroke="var(--muted)" stroke-width="1"/>')
        if low is not None and high is not None and high >= self.low and low <= self.high:
            parts.append(
                f'<path d="M{self._x(low)} 9H{self._x(high)}" stroke="var(--{role})"'
                ' stroke-width="2"/>'
            )
        if value is not None and self.low <= value <= self.high:
            parts.append(f'<circle cx="{self._x(value)}" cy="9" r="4" fill="var(--{role})"/>')
        elif value is not None:
            below = value < self.low
            at, back = (1, 7) if below else (self.width - 1, self.width - 7)
            parts.append(f'<path d="M{back} 4L{at} 9L{back} 14Z" fill="var(--{role})"/>')
        return Markup(
            f'<svg class="forest" width="{self.width}" height="18" aria-hidden="true">'
            f"{''.join(parts)}</svg>"
        )
