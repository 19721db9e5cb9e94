"""The project's Python as a graph: which module imports which, wherever in it the import stands."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

PACKAGES = ("es_physics", "ingest")


class Import(NamedTuple):
    """Module `importer` imports `imported`, a module of the project, on a line."""

    importer: str
    imported: str
    line: int

    def __str__(self) -> str:
        return f"{self.importer} imports {self.imported} (line {self.line})"


@dataclass(frozen=True)
class SourceTree:
    """The modules of some packages below a folder, by dotted name."""

    trees: dict[str, ast.Module]

    @classmethod
    def read(cls, root: Path, packages: tuple[str, ...] = PACKAGES) -> SourceTree:
        trees = {}
        for package in packages:
            for path in sorted((root / package).rglob("*.py")):
                *folders, name = path.relative_to(root).with_suffix("").parts
                parts = folders if name == "__init__" else [*folders, name]
                trees[".".join(parts)] = ast.parse(path.read_bytes(), str(path))
        return cls(trees)

    def imports(self, top: tuple[str, ...] = (*PACKAGES, "bench", "tests")) -> list[Import]:
        """Every import of a module of the packages `top`; lazy ones and those of types as well."""
        return [
            Import(module, name, line)
            for module, tree in self.trees.items()
            for name, line in self._imported(tree)
            if name.split(".")[0] in top
        ]

    def relative_imports(self) -> list[str]:
        """Every import that does not say where it imports from."""
        return [
            f"{module} (line {node.lineno})"
            for module, tree in self.trees.items()
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node.level
        ]

    def _imported(self, tree: ast.Module) -> Iterator[tuple[str, int]]:
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield alias.name, node.lineno
            elif isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    whole = f"{node.module}.{alias.name}"
                    yield (whole if whole in self.trees else node.module), node.lineno

    def classes(self) -> dict[str, list[str]]:
        """The bases of every class, all by dotted names as far as the module's imports tell."""
        found = {}
        for module, tree in self.trees.items():
            names = {
                node.name: f"{module}.{node.name}"
                for node in ast.walk(tree)
                if isinstance(node, ast.ClassDef)
            }
            for node in ast.walk(tree):
                if isinstance(node, ast.ImportFrom) and node.module:
                    for alias in node.names:
                        names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
            for node in ast.walk(tree):
                if isinstance(node, ast.ClassDef):
                    bases = [ast.unparse(base) for base in node.bases]
                    found[f"{module}.{node.name}"] = [names.get(base, base) for base in bases]
        return found
