"""Time enters the simulator where its two programs are put together, and nowhere else."""

import ast
from pathlib import Path

import ibgateway_simulator

PACKAGE = Path(ibgateway_simulator.__file__).parent
CLOCKS = {
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
    "get_running_loop.time",
}


def clocks_read(source: str) -> set[str]:
    """The clocks that a module names, called or passed on."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute):
            owner = node.value.func if isinstance(node.value, ast.Call) else node.value
            name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
            found |= {f"{name}.{node.attr}"} & CLOCKS
    return found


def test_a_clock_is_seen_in_every_form() -> None:
    assert clocks_read("dt.datetime.now(dt.UTC)") == {"datetime.now"}
    assert clocks_read("key = datetime.now") == {"datetime.now"}
    assert clocks_read("asyncio.get_running_loop().time") == {"get_running_loop.time"}
    assert clocks_read("self.now() - ibkr.now()") == set()


def test_only_the_composition_roots_read_clocks() -> None:
    read = {
        str(path.relative_to(PACKAGE)): found
        for path in PACKAGE.rglob("*.py")
        if (found := clocks_read(path.read_text(encoding="utf-8")))
    }
    assert read == {
        "gateway/process.py": {"datetime.now"},
        "ibkr/server.py": {"datetime.now", "get_running_loop.time"},
    }
