"""What all charts look like."""

from __future__ import annotations

from collections.abc import Sequence

from bokeh.layouts import gridplot
from bokeh.models import GridBox
from bokeh.plotting import figure

from es_physics.report.markup import tip, tip_pairs
from es_physics.report.palette import light

__all__ = ["FONT", "fill", "flowing_grid", "style", "tip", "tip_pairs"]

FONT = "system-ui, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"

_FILL = {"BREAK": 1.0, "BOUNCE": 0.0, "CHOP": 0.35}


def fill(outcome: str) -> float:
    """How full an outcome's marker is: it says the outcome as well as the colour does."""
    return _FILL.get(outcome, 0.0)


def style(plot: figure) -> None:
    """The look of every chart, in the light theme's colours."""
    plot.background_fill_color = plot.border_fill_color = None  # the page's own shows through
    plot.outline_line_color = light("line")
    plot.grid.grid_line_color = light("line")
    plot.grid.grid_line_alpha = 0.7
    plot.title.text_color = light("ink")
    plot.title.text_font = FONT
    plot.title.text_font_size = "12px"
    for axis in plot.axis:
        axis.axis_label_text_color = light("muted")
        axis.axis_label_text_font = FONT
        axis.axis_label_text_font_size = "11px"
        axis.axis_label_text_font_style = "normal"
        axis.major_label_text_color = light("muted")
        axis.major_label_text_font = FONT
        axis.major_label_text_font_size = "11px"
        axis.axis_line_color = light("line")
        axis.major_tick_line_color = light("line")
        axis.minor_tick_line_color = None


def flowing_grid(
    plots: Sequence[figure], *, columns: int, least_width: int, one_axis: bool = False
) -> GridBox:
    """Charts side by side, in at most `columns` columns.

    The page's script makes them fewer where one would be narrower than `least_width` pixels. With
    `one_axis` the charts of a row share their vertical axis, which only the first one shows.
    """
    rows = [list(plots[start : start + columns]) for start in range(0, len(plots), columns)]
    grid = gridplot(rows, sizing_mode="stretch_width", toolbar_location=None)
    grid.tags = [least_width, columns, one_axis]
    return grid
