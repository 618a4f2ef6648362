"""Unit tests of the executor that another tier asks again, of a database of its own."""

import importlib.util
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType

UNIT = Path(__file__).parents[2] / "unit" / "executor"


def borrowed(modules: Iterable[str], wanted: Callable[[object], bool]) -> dict[str, object]:
    """Tests by name, of which each module has names of its own."""
    found: dict[str, object] = {}
    for module in map(_loaded, modules):
        for name, test in vars(module).items():
            if name.startswith("test_") and wanted(test):
                assert name not in found, f"{name} is in two modules"
                found[name] = test
    return found


def _loaded(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"on_postgres_{name}", UNIT / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
