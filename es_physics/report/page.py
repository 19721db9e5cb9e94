"""Pages from templates: everything inside one file, the same bytes for the same data."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from es_physics.files import fsync
from es_physics.report.embed import bokeh_script, script_safe
from es_physics.report.palette import PALETTE, css_variables

_TEMPLATES = Path(__file__).with_name("templates")


def render(template: str, *, bokeh: bool = False, made_from: str = "", **values: Any) -> str:
    """The page of `template`; `bokeh` puts the chart library into it.

    `made_from` is the hash of all it was made from, which its file carries.
    """
    return (
        _environment()
        .get_template(template)
        .render(
            css=source("page.css"),
            page_js=source("page.js"),
            light_variables=Markup(css_variables("light")),
            dark_variables=Markup(css_variables("dark")),
            palette_json=json_script([shade._asdict() for shade in PALETTE.values()]),
            bokeh=_bokeh_library() if bokeh else "",
            made_from=made_from,
            **values,
        )
    )


def source(name: str) -> Markup:
    """A style sheet or script of our own, to be put into a page."""
    return Markup((_TEMPLATES / name).read_text(encoding="utf-8"))


def json_script(value: object) -> Markup:
    """A value as JSON for a script element. Raises ValueError on NaN and infinity."""
    return Markup(
        script_safe(json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":")))
    )


def write(path: Path, html: str) -> None:
    """Write a page so that a reader sees the old one or the new one, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    staged = path.with_suffix(".tmp")
    staged.write_text(html, encoding="utf-8")
    fsync(staged)
    staged.replace(path)


@cache
def _bokeh_library() -> Markup:
    """Bokeh's script, read once for any number of pages."""
    return Markup(bokeh_script())


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
