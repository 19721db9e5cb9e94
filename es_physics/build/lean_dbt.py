"""dbt without what no build of a backfill reads: a third of what a small session cost.

The 200 nodes of a build fire 4,000 events, nine of ten for debugging; write 400 files of SQL that
end with the scratch folder; each make the project's 350 macros callable twice; and compile every
template and all names of times anew, though each session has the same. dbt has no settings for
these, so functions in its modules are replaced: in the process of one build alone, but for
templates, which the builds are forked with.
"""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from types import CodeType, ModuleType
from typing import Any

import dbt.clients.jinja
import dbt.compilation
import dbt.contracts.graph.nodes
import dbt.task.run
import dbt.task.test
import dbt_common.clients.agate_helper
import dbt_common.clients.jinja
import dbt_common.events.base_types
from dbt.artifacts.schemas.results import NodeStatus
from dbt.clients.jinja import MacroGenerator
from dbt.compilation import Linker
from dbt.task.run import ModelRunner
from dbt.task.seed import SeedRunner
from dbt.task.test import TestRunner
from dbt_common.behavior_flags import BehaviorFlagRendered
from dbt_common.clients.jinja import get_environment
from dbt_common.events.base_types import BaseEvent, DebugLevel, EventLevel
from dbt_common.events.event_manager import EventManager
from dbt_common.events.event_manager_client import ctx_set_event_manager
from google.protobuf.message import Message
from jinja2 import Environment, Template

_Function = Callable[..., Any]

Templates = dict[tuple[str, bool], CodeType]
"""By their text, and whether they make values of Python's instead of text, what Jinja compiles it
to."""

_codes: Templates = {}
_get_template = dbt_common.clients.jinja.get_template

_SIGN_OF_LIFE_S = 1.0

_SAME_FOR_ALL_NODES = ("flags", "invocation_args_dict", "modules", "var")


class QuietEvents(EventManager):
    """Debugging events end here; `alive` is called for them, at most once a second."""

    def __init__(self, alive: Callable[[], None]) -> None:
        super().__init__()
        self._alive = alive
        self._told = -_SIGN_OF_LIFE_S

    def fire_event(
        self,
        e: BaseEvent,
        level: EventLevel | None = None,
        node: Any = None,
        force_warn_or_error_handling: bool = False,
    ) -> None:
        if (level or e.level_tag()) != EventLevel.DEBUG:
            super().fire_event(e, level, node, force_warn_or_error_handling)
        elif time.monotonic() - self._told > _SIGN_OF_LIFE_S:
            self._told = time.monotonic()
            self._alive()


def leave_out(progress: Callable[[str | None], None]) -> None:
    """From now on in this process; `progress` is told the node that is begun, and None at least
    once a second while dbt fires events."""
    ctx_set_event_manager(QuietEvents(lambda: progress(None)))
    for runner in (ModelRunner, SeedRunner, TestRunner):
        _replace(runner, "before_execute", lambda _: lambda self: progress(self.node.name))
        _replace(runner, "after_execute", _unless_all_is_well)
    _replace(dbt_common.events.base_types, "ParseDict", _without_debugging)
    _replace(dbt.contracts.graph.nodes, "write_file", lambda _: lambda path, contents: True)
    # A file on the graph, and who declares a flag.
    _replace(Linker, "get_graph_summary", lambda _: lambda self, manifest: {})
    _replace(BehaviorFlagRendered, "_default_source", lambda _: lambda self: "an adapter")
    make_once()


def make_once() -> None:
    """From now on in this process what is the same for all nodes is not made anew for each."""
    for module in (dbt.compilation, dbt.task.run, dbt.task.test):
        _replace(module, "generate_runtime_model_context", _one_context_a_thread)
    _replace(MacroGenerator, "get_macro", functools.cache)
    _replace(dbt_common.clients.agate_helper, "build_type_tester", _made_once)
    _replace(dbt_common.clients.agate_helper, "empty_table", functools.cache)


def compiled_templates(sources: Iterable[str], native_sources: Iterable[str] = ()) -> Templates:
    """Those of SQL and of macros, and those of tests' arguments, which are values of Python's."""
    keys = [(source, False) for source in sources] + [(source, True) for source in native_sources]
    return {(source, native): _compiled(source, native=native) for source, native in keys}


def keep_templates(templates: Templates) -> None:
    """From now on in this process these need not be compiled, and others once."""
    _codes.update(templates)
    for module in (dbt.clients.jinja, dbt_common.clients.jinja):
        _replace(module, "get_template", lambda _: _get_kept_template)


def _replace(
    place: ModuleType | type, name: str, replacement: Callable[[_Function], _Function]
) -> None:
    setattr(place, name, replacement(getattr(place, name)))


def _unless_all_is_well(say: _Function) -> _Function:
    """How a node ended is read only of those that did not end well."""

    def said(self: Any, result: Any) -> None:
        if result.status not in {NodeStatus.Success, NodeStatus.Pass}:
            say(self, result)

    return said


def _without_debugging(fill: _Function) -> _Function:
    """The message of an event that nobody reads stays empty."""
    unread = frozenset(_names_below(DebugLevel))

    def filled(said: dict[str, Any], message: Message) -> Message:
        return message if type(message).__name__ in unread else fill(said, message)

    return filled


def _names_below(kind: type[BaseEvent]) -> list[str]:
    return [
        name for below in kind.__subclasses__() for name in (below.__name__, *_names_below(below))
    ]


def _one_context_a_thread(generate: _Function) -> _Function:
    """What the SQL of a node may name: macros and settings stay, what is of the node is made anew.

    A thread runs one node after the other, and asks for its context before it compiles and again
    before it runs it. Macros go on noting in the first node's record who called them, which only
    the parser reads.
    """
    of_this_thread = threading.local()

    def generated(node: Any, config: Any, manifest: Any) -> dict[str, Any]:
        known = getattr(of_this_thread, "context", None)
        if known is None or not (
            known.manifest is manifest
            and known.config is config
            and known.search_package == node.package_name
        ):
            context: dict[str, Any] = generate(node, config, manifest)
            known = of_this_thread.context = context["load_result"].__self__
            known.namespace = dict(known.namespace)
            known._context_members_ = known._context_members_ | {
                name: context[name] for name in _SAME_FOR_ALL_NODES
            }
            return context
        known.model = known._ctx["var"]._node = node
        known.sql_results.clear()
        known._ctx.clear()
        return known.to_dict()

    return generated


def _made_once(make: _Function) -> _Function:
    """What tells the types of a result: 750 names of times, and the columns that are text."""
    made: _Function = functools.cache(make)
    return lambda text_columns, string_null_values=("null", ""): made(
        tuple(text_columns), tuple(string_null_values)
    )


def _get_kept_template(
    string: str,
    ctx: dict[str, Any],
    node: Any = None,
    capture_macros: bool = False,
    native: bool = False,
) -> Template:
    if not capture_macros:
        with suppress(Exception):  # dbt says it better
            environment, code = _environment(native=native), _compiled(str(string), native=native)
            known = environment.make_globals(ctx)
            return environment.template_class.from_code(environment, code, known, None)
    # While it parses, what is not defined depends on the node.
    return _get_template(string, ctx, node, capture_macros, native)


def _compiled(source: str, *, native: bool) -> CodeType:
    if (source, native) not in _codes:
        _codes[source, native] = _environment(native=native).compile(source)
    return _codes[source, native]


@functools.cache
def _environment(*, native: bool) -> Environment:
    return get_environment(native=native)
