"""The notebook runs on published sessions, and its chart needs no network."""

from __future__ import annotations

import html
import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest
from conftest import PROJECT, Builds

SESSION = "2025-12-16"


def run_notebook(silver: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[list[Any], dict[str, Any]]:
    """What its cells showed, and the names that they defined."""
    monkeypatch.setenv("ES_SILVER_ROOT", str(silver))
    spec = importlib.util.spec_from_file_location("explore", PROJECT / "notebooks" / "explore.py")
    assert spec is not None
    assert spec.loader is not None
    notebook = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(notebook)
    shown, names = notebook.app.run()
    return list(shown), dict(names)


def test_it_answers_its_question_and_draws_every_event(
    builds: Builds, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown, names = run_notebook(builds[SESSION].silver, monkeypatch)
    events = builds[SESSION].table("level_interactions", SESSION)
    assert names["sessions"].value == [SESSION]
    answer = names["database"].sql(names["question"].value).pl()
    assert answer["entries"].sum() == events.height
    kinds = events["level_kind"].unique()
    assert any(all(kind in one.text for kind in kinds) for one in shown if hasattr(one, "text"))

    chart = html.unescape(shown[-1].text)
    assert "Bokeh" in chart
    assert len(chart) > 500_000  # its script is in it
    assert not re.search(r"<script[^>]*\ssrc=|<link\s", chart)
    for outcome in events["outcome"].unique():
        assert f'"value":"{outcome}"' in chart


def test_without_a_session_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown, _ = run_notebook(tmp_path, monkeypatch)
    told = [
        one.text for one in shown if "No session is published below" in getattr(one, "text", "")
    ]
    assert len(told) == 1
    assert str(tmp_path) in told[0]
