"""How much code says it: lines that are neither blank nor comment nor docstring."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from pathlib import Path


def code_lines(paths: Iterable[Path]) -> int:
    """Of Python and SQL files together."""
    return sum(len(_python(path) if path.suffix == ".py" else _sql(path)) for path in paths)


def _python(path: Path) -> list[str]:
    text = path.read_text()
    documented: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            documented.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return [
        line
        for number, line in enumerate(text.splitlines(), start=1)
        if line.strip() and not line.lstrip().startswith("#") and number not in documented
    ]


def _sql(path: Path) -> list[str]:
    text = re.sub(r"\{#.*?#\}", "", path.read_text(), flags=re.DOTALL)
    return [
        line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("--")
    ]
