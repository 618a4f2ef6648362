"""Which lines of the executor take an order from its request to the broker and back, and a tracer that reaches their awaits."""

import dis
from collections.abc import Callable
from inspect import CO_ASYNC_GENERATOR, CO_COROUTINE
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Final

PACKAGE: Final = "ibgateway_executor"
SUBMIT_PATH: Final = (
    *("dispatch", "ledger", "broker", "orders", "intake", "gate.py", "wakeup.py"),
    *("rebalance", "rebalance_runs"),
)
LEFT_OUT: Final = (
    *("housekeeping.py", "engine.py", "threads.py"),
    *("postgres_database.py", "session.py", "fence.py"),
)
"""Their steps are the timers' and the plumbing's; what they do for an order is seen where it is asked for."""
Tracer = Callable[[FrameType, str, Any], Any]


def await_tracer(reach: Callable[[str, str], None]) -> Tracer:
    """A tracer that reaches a point at each line with an await in the executor's submit path."""
    lines: dict[CodeType, frozenset[int]] = {}

    def local(frame: FrameType, event: str, _: Any) -> Tracer:
        if event == "line" and frame.f_lineno in lines[frame.f_code]:
            reach("await", f"{where(frame)}:{frame.f_lineno}")
        return local

    def entered(frame: FrameType, event: str, _: Any) -> Tracer | None:
        code = frame.f_code
        if code not in lines:
            lines[code] = awaiting_lines(code) if on_submit_path(code.co_filename) else frozenset()
        return local if event == "call" and lines[code] else None

    return entered


def awaiting_lines(code: CodeType) -> frozenset[int]:
    """The lines of a coroutine that await something."""
    if not code.co_flags & (CO_COROUTINE | CO_ASYNC_GENERATOR):
        return frozenset()
    found, line = set(), code.co_firstlineno
    for step in dis.get_instructions(code):
        line = step.starts_line or line
        if step.opname in ("GET_AWAITABLE", "GET_ANEXT", "BEFORE_ASYNC_WITH"):
            found.add(line)
    return frozenset(found)


def on_submit_path(filename: str) -> bool:
    """Whether a file is one of those that take an order from its request to the broker and back."""
    parts = Path(filename).parts
    if PACKAGE not in parts or parts[-1] in LEFT_OUT:
        return False
    return parts[parts.index(PACKAGE) + 1] in SUBMIT_PATH


def where(frame: FrameType | None) -> str:
    """The nearest place on the submit path that this frame was called from, `library` where there is none."""
    while frame is not None:
        if on_submit_path(frame.f_code.co_filename):
            parts = Path(frame.f_code.co_filename).parts
            inside = "/".join(parts[parts.index(PACKAGE) + 1 :])
            return f"{inside}:{frame.f_code.co_name}"
        frame = frame.f_back
    return "library"
