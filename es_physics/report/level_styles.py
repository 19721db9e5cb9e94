"""Which kinds of level a page shows, and how the line of each is drawn.

Kinds and families are those of the builds: a commit record keeps the var `level_kinds`. A kind that
no record declares is shown all the same, its family being the first word of its name.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from es_physics.report.palette import FAMILIES, SPARE_FAMILIES
from es_physics.report.silver import Commit

_DASHES = ("solid", "dashed", "dotted", "dotdash")


class LineStyle(NamedTuple):
    """Role of a line's colour, and its dash."""

    role: str
    dash: str


def level_styles(commits: Iterable[Commit], found: Iterable[str]) -> dict[str, LineStyle]:
    """The style of every kind: those that the commits declare, in their order, then others found.

    A family has a colour of its own as long as there are spare ones; its kinds differ by dash.
    """
    families = {
        declared["kind"]: declared["family"]
        for commit in commits
        for declared in commit.vars.get("level_kinds", [])
    }
    for kind in sorted(set(found) - families.keys()):
        families[kind] = kind.partition("_")[0].lower()
    roles = {family: family for family in FAMILIES}
    members: dict[str, int] = {}
    styles = {}
    for kind, family in families.items():
        spare = (len(roles) - len(FAMILIES)) % len(SPARE_FAMILIES)
        role = roles.setdefault(family, SPARE_FAMILIES[spare])
        place = members[family] = members.get(family, -1) + 1
        styles[kind] = LineStyle(role, _DASHES[place % len(_DASHES)])
    return styles
