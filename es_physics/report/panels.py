"""Figures below the price chart that share its time axis."""

from __future__ import annotations

from bokeh.models import BoxAnnotation, DatetimeTickFormatter, PanTool, Range1d, WheelZoomTool
from bokeh.plotting import figure

from es_physics.report.palette import light

AXIS_WIDTH = 84
"""Pixels left of the frame, as many in every panel: no price with its axis needs more."""
TAGS_WIDTH = 118
"""Pixels right of the frame, where the page's script writes names and prices of lines."""


def panel_below(price: figure, height: int, y_range: Range1d) -> figure:
    """An empty figure that moves with the price chart, its premarket shaded."""
    wheel = WheelZoomTool(dimensions="width")
    plot = figure(
        height=height,
        sizing_mode="stretch_width",
        x_range=price.x_range,
        y_range=y_range,
        x_axis_type="datetime",
        toolbar_location=None,
        tools=[PanTool(dimensions="width"), wheel],
        active_scroll=wheel,
        min_border_left=AXIS_WIDTH,
        min_border_right=TAGS_WIDTH,
    )
    clock_axis(plot)
    plot.yaxis.ticker.desired_num_ticks = 3
    plot.add_layout(shade_until(price.x_range.tags[2]))
    return plot


def shade_until(rth_start: float) -> BoxAnnotation:
    """The time before the cash session's start, shaded."""
    return BoxAnnotation(
        right=rth_start, fill_color=light("shade"), fill_alpha=1, line_color=None, level="underlay"
    )


def clock_axis(plot: figure) -> None:
    """Write the time axis as a clock."""
    plot.xaxis.formatter = DatetimeTickFormatter(
        seconds="%H:%M:%S",
        minsec="%H:%M:%S",
        minutes="%H:%M",
        hourmin="%H:%M",
        hours="%H:%M",
        days="%H:%M",
    )
