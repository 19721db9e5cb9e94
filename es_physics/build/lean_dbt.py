"""dbt without what no build of a backfill reads: a sixth of what a small session costs.

The 200 nodes of a build fire 4,000 events, nine of ten for debugging; write 400 files of SQL that
end with the scratch folder; and compile every template and all names of times anew, though each
session has the same. dbt has no settings for these, so functions in its modules are replaced: in
the process of one build alone, but for templates, which the builds are forked with.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from types import CodeType, ModuleType
from typing import Any

import dbt.clients.jinja
import dbt.contracts.graph.nodes
import dbt_common.clients.agate_helper
import dbt_common.clients.jinja
import dbt_common.events.base_types
from dbt_common.clients.jinja import get_environment
from dbt_common.events.base_types import BaseEvent, DebugLevel, EventLevel
from dbt_common.events.event_manager import EventManager
from dbt_common.events.event_manager_client import ctx_set_event_manager
from google.protobuf.message import Message
from jinja2 import Environment, Template

_Function = Callable[..., Any]

Templates = dict[str, CodeType]
"""By their text, what Jinja compiles it to."""

_codes: dict[tuple[str, bool], CodeType] = {}
_get_template = dbt_common.clients.jinja.get_template

_SIGN_OF_LIFE_S = 1.0


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


def leave_out(alive: Callable[[], None]) -> None:
    """From now on in this process, where each debugging event is a mere sign of life."""
    ctx_set_event_manager(QuietEvents(alive))
    _replace(dbt_common.events.base_types, "ParseDict", _without_debugging)
    _replace(dbt.contracts.graph.nodes, "write_file", lambda _: lambda path, contents: True)
    _replace(dbt_common.clients.agate_helper, "build_type_tester", _made_once)
    _replace(dbt_common.clients.agate_helper, "empty_table", functools.cache)


def compiled_templates(sources: Iterable[str]) -> Templates:
    """Those of SQL and of macros."""
    return {source: _compiled(source, native=False) for source in sources}


def keep_templates(templates: Templates) -> None:
    """From now on in this process these need not be compiled, and others once."""
    _codes.update({(source, False): code for source, code in templates.items()})
    for module in (dbt.clients.jinja, dbt_common.clients.jinja):
        _replace(module, "get_template", lambda _: _get_kept_template)


def _replace(module: ModuleType, name: str, replacement: Callable[[_Function], _Function]) -> None:
    setattr(module, name, replacement(getattr(module, name)))


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
