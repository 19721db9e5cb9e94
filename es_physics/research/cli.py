"""The commands of `es-physics` that study what gold says: research."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from es_physics.console import json_argument, print_json
from es_physics.files import absolute, gold_root


def add_commands(commands: Any) -> None:
    """Add the room's commands to those of `es-physics`."""
    research = commands.add_parser(
        "research",
        help="fit models on gold, fold by fold, beside a random walk",
        description="Fit models on the published gold below $ES_GOLD_ROOT, on folds that train,"
        " calibrate and then test on later sessions. What they say goes to runs/<run_id> there; no"
        " run is done twice.",
    )
    research.add_argument(
        "--target",
        nargs="+",
        default=["scaled"],
        metavar="NAME",
        help="what is asked of an event (default: scaled, the primary one)",
    )
    research.add_argument(
        "--models",
        nargs="+",
        default=[],
        metavar="NAME",
        help="only these, beside the baselines, on all features"
        " (default: every one, and lightgbm_null on every set of features)",
    )
    research.add_argument(
        "--feature-sets",
        nargs="+",
        default=[],
        metavar="NAME",
        help="fit the models on these sets of features instead",
    )
    json_argument(research)
    research.set_defaults(run=_research)


def _research(options: argparse.Namespace) -> int:
    from es_physics.research.errors import require_packages
    from es_physics.research.plan import Plan, require_names

    require_names(options.target, options.models)
    require_packages(("sklearn", "lightgbm"), "research", "es-physics research")
    from es_physics.research.gold import Gold
    from es_physics.research.run import research, run_path

    def say(line: str) -> None:
        print(line, file=sys.stderr if options.json else sys.stdout, flush=True)

    gold = Gold.read(gold_root())
    plan = Plan.make(list(gold.sets), options.target, options.models, options.feature_sets)
    if gold.unknown:
        say(f"left out, as NULL throughout: {', '.join(gold.unknown)}")
    record, is_new = research(gold, plan, say)
    for target, model, feature_set, reason in record["failed"]:
        print(f"error: {target}: {model} on {feature_set}: {reason}", file=sys.stderr)
    if options.json:
        print_json(record)
    else:
        for line in _in_words(record, is_new):
            print(line)
        print(f"in {absolute(run_path(gold.root, record['run_id']))}; make evaluate scores it")
    return 1 if record["failed"] else 0


def _in_words(record: dict[str, Any], is_new: bool) -> list[str]:
    fits = len(record["arguments"]["fits"])
    rows = record["files"]["predictions"]["rows"]
    said = "done" if is_new else "was done before, and is not done again"
    lines = [f"run {record['run_id']} {said}: {fits} models, {rows} predictions"]
    if skipped := len(record["skipped"]):
        first = record["skipped"][0]
        lines.append(
            f"{skipped} fits skipped, the first fold {first['fold']} of {first['model']} on"
            f" {first['feature_set']} for {first['target']}: {first['reason']}"
        )
    return lines
