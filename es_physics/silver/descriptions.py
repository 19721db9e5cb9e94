"""What the published tables and their columns mean, as the checkout's YAML describes them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import yaml

_DOC_BLOCK = re.compile(r"{% docs (\w+) %}(.*?){% enddocs %}", re.DOTALL)
_DOC = re.compile(r"""{{ doc\(["'](\w+)["']\) }}""")


class Description(NamedTuple):
    """What a table is, and what each of its columns is."""

    table: str
    columns: dict[str, str]


def read_descriptions(project: Path) -> dict[str, Description]:
    """The descriptions of the Silver tables of a dbt project's folder, by the table's name.

    They are those of dbt's docs, with the doc blocks filled in and each on one line.
    """
    blocks: dict[str, str] = {}
    for path in sorted((project / "models").rglob("*.md")):
        blocks |= dict(_DOC_BLOCK.findall(path.read_text()))

    def text(described: dict[str, str]) -> str:
        filled = _DOC.sub(lambda doc: blocks[doc[1]], described["description"])
        return " ".join(filled.split())

    return {
        model["name"]: Description(
            text(model), {column["name"]: text(column) for column in model.get("columns", ())}
        )
        for path in sorted((project / "models" / "silver").glob("*.yml"))
        for model in yaml.safe_load(path.read_text()).get("models", ())
    }
