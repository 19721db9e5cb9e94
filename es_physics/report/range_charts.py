"""Charts of a range of sessions, as Bokeh figures.

The page's script finds the sources `incidence:KIND` by name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from bokeh.models import (
    ColumnDataSource,
    FactorRange,
    FixedTicker,
    GridBox,
    HoverTool,
    LinearColorMapper,
    NumeralTickFormatter,
    PanTool,
    Range1d,
    WheelZoomTool,
)
from bokeh.plotting import figure

from es_physics.report.chart_style import FONT, fill, flowing_grid, style, tip_pairs
from es_physics.report.event_text import level_name
from es_physics.report.palette import DIVERGING, light
from es_physics.report.range_view import ALL, OUTCOMES, DriftMap, IncidenceCurve, OutcomeShare

SHIFT_REACH = 1.5
"""Standard deviations at which the drift map's colours end."""


def group_name(level_kind: str, direction: str) -> str:
    """`PM_HIGH`, `UP` as `PM high ▲`."""
    name = "All entries" if level_kind == ALL else level_name(level_kind)
    return name + {"UP": " ▲", "DOWN": " ▼"}.get(direction, "")


def outcome_chart(
    shares: Sequence[OutcomeShare], placebos: Mapping[tuple[str, str], OutcomeShare]
) -> GridBox:
    """Shares of real levels and of placebos with their 95 % intervals, and the null model's.

    A column per outcome, a row per share of `shares` with the placebos' of its group below it.
    """
    beside = [placebos.get((share.level_kind, share.direction)) for share in shares]
    names = [_with_counts(*pair) for pair in zip(shares, beside, strict=True)]
    factors = FactorRange(*reversed(names))
    real = [(name, 0.16 if pair else 0.0) for name, pair in zip(names, beside, strict=True)]
    below = [
        (share, (name, -0.2))
        for share, name in zip(beside, names, strict=True)
        if share is not None
    ]
    plots = []
    for outcome in OUTCOMES:
        plot = figure(
            title=outcome,
            height=96 + 46 * len(names),
            sizing_mode="stretch_width",
            y_range=factors,
            x_range=Range1d(0, 1),
            toolbar_location=None,
            tools="",
            min_border_right=20,
            min_border_left=20,
        )
        _draw_shares(plot, outcome, list(zip(shares, real, strict=True)), "real")
        if below:
            _draw_shares(plot, outcome, below, "placebo")
        style(plot)
        plot.xaxis.formatter = NumeralTickFormatter(format="0 %")
        plot.xaxis.ticker = FixedTicker(ticks=[0, 0.25, 0.5, 0.75, 1])
        plot.xaxis.axis_label = "share of entries"
        plot.ygrid.grid_line_color = None
        plot.yaxis.visible = outcome == OUTCOMES[0]
        plots.append(plot)
    return flowing_grid(plots, columns=len(plots), least_width=280, one_axis=True)


def _with_counts(share: OutcomeShare, placebo: OutcomeShare | None) -> str:
    counts = f"{share.events} (worth {share.effective_n:.1f})"
    if placebo is not None:
        counts += f"\nplacebo {placebo.events} ({placebo.effective_n:.1f})"
    return f"{group_name(share.level_kind, share.direction)}\n{counts}"


def _draw_shares(
    plot: figure,
    outcome: str,
    placed: Sequence[tuple[OutcomeShare, tuple[str, float]]],
    what: Literal["real", "placebo"],
) -> None:
    is_real = what == "real"
    role = outcome.lower() if is_real else "muted"
    observed = [share.observed[outcome] for share, _ in placed]
    source = ColumnDataSource(
        {
            "at": [at for _, at in placed],
            "name": [group_name(share.level_kind, share.direction) for share, _ in placed],
            "events": [share.events for share, _ in placed],
            "sessions": [share.sessions for share, _ in placed],
            "worth": np.array([share.effective_n for share, _ in placed]),
            "share": np.array([interval.share for interval in observed]),
            "low": np.array([interval.low for interval in observed]),
            "high": np.array([interval.high for interval in observed]),
            "null": np.array([share.expected[outcome] for share, _ in placed]),
        },
        name=f"shares:{what}:{outcome}",
    )
    plot.segment("low", "at", "high", "at", source=source, line_color=light(role), line_width=2.5)
    marks = plot.scatter(
        "share",
        "at",
        source=source,
        marker="circle" if is_real else "square",
        size=10 if is_real else 7,
        line_color=light(role),
        line_width=2,
        fill_color=light(role if fill(outcome) or not is_real else "hollow"),
    )
    null = plot.scatter(
        "null",
        "at",
        source=source,
        marker="diamond",
        size=11 if is_real else 9,
        fill_color=None,
        line_color=light("ink" if is_real else "muted"),
        line_width=1.6,
    )
    plot.add_tools(
        HoverTool(
            renderers=[marks, null],
            tooltips=tip_pairs(
                f"@name, {what}",
                [
                    ("observed", "@share{0.0 %}"),
                    ("95 % interval", "@low{0.0 %} to @high{0.0 %}"),
                    ("null model", "@null{0.0 %}"),
                    ("entries", "@events"),
                    ("sessions", "@sessions"),
                    ("worth without overlap", "@worth{0.0}"),
                ],
            ),
        )
    )


def incidence_chart(curves: Sequence[IncidenceCurve]) -> GridBox:
    """Cumulative incidence of BREAK and BOUNCE, a chart per level kind, all directions first."""
    found = {(curve.level_kind, curve.direction): curve for curve in curves}
    kinds = [kind for kind, direction in found if direction == ALL]
    last = float(found[kinds[0], ALL].grid[-1])
    reach = max(
        float(np.nanmax(values))
        for curve in curves
        for table in (curve.observed, curve.expected)
        for values in table.values()
    )
    heights = Range1d(0, min(1.0, 1.08 * reach))
    plots = []
    for kind in kinds:
        curve = found[kind, ALL]
        observed, expected = (ColumnDataSource(data) for data in incidence_columns(curve))
        observed.name, expected.name = f"incidence:{kind}", f"null:{kind}"
        plot = figure(
            name=f"incidence-title:{kind}",
            title=incidence_title(kind, curve),
            height=230,
            sizing_mode="stretch_width",
            x_range=Range1d(0, last / 60),
            y_range=heights,
            toolbar_location=None,
            tools="",
        )
        for name, dash in (("BREAK", "solid"), ("BOUNCE", "dashed")):
            role = light(name.lower())
            plot.step(
                "minutes",
                name,
                source=observed,
                mode="after",
                line_color=role,
                line_width=2.2,
                line_dash=dash,
            )
            plot.line(
                "minutes",
                name,
                source=expected,
                line_color=role,
                line_width=1.3,
                line_dash="dotted",
            )
        hovered = plot.line("minutes", "BREAK", source=observed, line_alpha=0)
        plot.add_tools(
            HoverTool(
                renderers=[hovered],
                mode="vline",
                tooltips=tip_pairs(
                    "@minutes{0.0} min after the entry",
                    [(name, f"@{name}{{0.0 %}}") for name in ("BREAK", "BOUNCE")],
                ),
            )
        )
        style(plot)
        plot.yaxis.formatter = NumeralTickFormatter(format="0 %")
        plot.xaxis.axis_label = "minutes after the entry"
        plots.append(plot)
    return flowing_grid(plots, columns=4, least_width=240)


def incidence_title(kind: str, curve: IncidenceCurve) -> str:
    """Heading of one incidence chart."""
    return f"{group_name(kind, curve.direction)} ({curve.events})"


def incidence_columns(
    curve: IncidenceCurve,
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The columns of a curve's two sources: observed, and the null model's; times in minutes."""
    return (
        {"minutes": curve.grid / 60, **curve.observed},
        {"minutes": curve.null_grid / 60, **curve.expected},
    )


def drift_chart(drift: DriftMap) -> figure:
    """Features by sessions; colour is the shift of the mean, a dot a distribution that differs.

    A renderer per feature, named for it, over one source with a column per feature: far smaller
    than a row per cell.
    """
    rows, columns = drift.shift.shape
    days = [str(day) for day in drift.sessions]
    source = ColumnDataSource(
        {
            "x": np.arange(columns, dtype=np.int32),
            "session": days,
            **dict(zip(drift.features, drift.shift.astype(np.float32), strict=True)),
        }
    )
    down, across = np.nonzero(drift.ks > drift.ks_critical)
    different = ColumnDataSource(
        {
            "x": across.astype(np.int32),
            "y": down.astype(np.int32),
            "session": [days[place] for place in across],
            "feature": [drift.features[place] for place in down],
            "shift": drift.shift[down, across].astype(np.float32),
            "ks": drift.ks[down, across].astype(np.float32),
            "critical": drift.ks_critical[down, across].astype(np.float32),
        }
    )
    wheel = WheelZoomTool(dimensions="width")
    plot = figure(
        height=90 + 15 * rows,
        sizing_mode="stretch_width",
        toolbar_location=None,
        tools=[PanTool(dimensions="width"), wheel],
        x_range=Range1d(-0.5, columns - 0.5, bounds="auto"),
        y_range=Range1d(rows - 0.5, -0.5),
        x_axis_location="above",
        min_border_right=16,
    )
    colours = LinearColorMapper(
        palette=[light(role) for role in DIVERGING],
        low=-SHIFT_REACH,
        high=SHIFT_REACH,
        nan_color=light("line"),
    )
    cells = [
        plot.rect(
            "x",
            place,
            0.96,
            0.9,
            source=source,
            name=feature,
            line_color=None,
            fill_color={"field": feature, "transform": colours},
        )
        for place, feature in enumerate(drift.features)
    ]
    dots = plot.scatter(
        "x", "y", source=different, size=4, fill_color=light("ink"), line_color=None
    )
    session = ("session", "@session")
    plot.add_tools(
        HoverTool(
            renderers=cells,
            tooltips=tip_pairs("$name", [session, ("shift of the mean", "@$name{+0.00} sd")]),
        ),
        HoverTool(
            renderers=[dots],
            tooltips=tip_pairs(
                "@feature",
                [
                    session,
                    ("shift of the mean", "@shift{+0.00} sd"),
                    ("KS distance", "@ks{0.00}"),
                    ("its 1 % point", "@critical{0.00}"),
                ],
            ),
        ),
    )
    style(plot)
    plot.grid.grid_line_color = None
    plot.yaxis.ticker = FixedTicker(ticks=list(range(rows)))
    plot.yaxis.major_label_overrides = dict(enumerate(drift.features))
    plot.yaxis.major_tick_line_color = None
    # As many dates as fit beside one another.
    step = -(-columns // 12)
    plot.xaxis.ticker = FixedTicker(ticks=list(range(0, columns, step)))
    plot.xaxis.major_label_overrides = dict(enumerate(days))
    plot.axis.major_label_text_font = FONT
    return plot
