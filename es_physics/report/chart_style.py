"""What all charts look like."""

from __future__ import annotations

from bokeh.plotting import figure

from es_physics.report.palette import light

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


def tip(inner: str) -> str:
    """A tooltip's HTML with a style for its pairs, which rules of the page do not reach."""
    return (
        "<div><style>dl{display:grid;grid-template-columns:auto auto;gap:0 12px;margin:4px 0 0}"
        f"dt{{opacity:.75}}dd{{margin:0;text-align:right}}</style>{inner}</div>"
    )
