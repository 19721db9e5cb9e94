"""HTML of tooltips: the one place where their texts become markup, all escaped."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup, escape

_STYLE = Markup(
    "<style>dl{display:grid;grid-template-columns:auto auto;gap:0 12px;margin:4px 0 0}"
    "dt{opacity:.75}dd{margin:0;text-align:right}</style>"
)


def pairs_html(title: str, pairs: Iterable[tuple[str, str]]) -> Markup:
    """A title above names and values; both may hold Bokeh's placeholders, such as `@x{0.0}`."""
    lines = [Markup("<dt>{}</dt><dd>{}</dd>").format(*pair) for pair in pairs]
    html = Markup("<b>{}</b>").format(title)
    return html + Markup("<dl>{}</dl>").format(Markup("").join(lines)) if lines else html


def tip(inner: str | Markup) -> str:
    """A tooltip for Bokeh, with a style for its pairs, which rules of the page do not reach.

    What is no Markup is escaped.
    """
    return str(Markup("<div>{}{}</div>").format(_STYLE, escape(inner)))


def tip_pairs(title: str, pairs: Iterable[tuple[str, str]] = ()) -> str:
    """A tooltip of a title above names and values."""
    return tip(pairs_html(title, pairs))
