"""Bokeh figures as JSON that has the same bytes for the same figure, and Bokeh's script."""

from __future__ import annotations

import json
import re

import bokeh
from bokeh.document import Document
from bokeh.models import Model
from bokeh.resources import Resources


def chart_json(figure: Model) -> str:
    """The figure for `Bokeh.embed.embed_item`, safe inside a script element.

    Bokeh numbers its models through the life of a process; here they are numbered anew in order of
    appearance.
    """
    # What bokeh.embed.json_item makes, which walks through all models thrice more.
    document = Document(title="")
    document.add_root(figure)
    item = {
        "target_id": None,
        "root_id": figure.id,
        "doc": document.to_json(deferred=False),
        "version": bokeh.__version__,
    }
    text = json.dumps(item, allow_nan=False, separators=(",", ":"))
    numbers: dict[str, str] = {}
    renumbered = re.sub(
        r'"p\d+"', lambda found: numbers.setdefault(found[0], f'"p{len(numbers) + 1}"'), text
    )
    return script_safe(renumbered)


def script_safe(text: str) -> str:
    """JSON that cannot end the script element that holds it."""
    return text.replace("</", "<\\/").replace("<!--", "<\\u0021--")


def bokeh_script() -> str:
    """Bokeh's own browser library, to be part of the page: nothing is fetched when it opens."""
    return "\n".join(Resources("inline", components=["bokeh"], log_level="warn").js_raw)
