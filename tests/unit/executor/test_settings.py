"""Files that change under a running process, and what the source may import."""

import ast
import logging
import os
from pathlib import Path

import pytest

import ibgateway_executor
from ibgateway_api.settings import ExecutorSettings
from ibgateway_executor.errors import StartRefusedError
from ibgateway_executor.settings import read_environment, watched_settings, watched_token

SETTINGS = ExecutorSettings(
    namespace="trading", gateway="paper", api_host="h", api_port=4004, sentinel_url="http://s"
)


def test_the_environment_has_the_pods_paths_as_defaults() -> None:
    found = read_environment({"EXECUTOR_PORT": "18080"})
    assert (str(found.settings), found.port, found.health_port, found.bind) == (
        "/etc/ibgateway/settings.json",
        18080,
        8081,
        "0.0.0.0",  # noqa: S104 - the expected default
    )


def test_settings_are_read_again_when_the_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text(SETTINGS.to_json())
    watched = watched_settings(path)
    assert watched.value().max_orders_per_day is None
    fresh = tmp_path / "new"
    fresh.write_text(SETTINGS.model_copy(update={"max_orders_per_day": 5}).to_json())
    fresh.replace(path)
    assert watched.value().max_orders_per_day == 5


def test_a_file_that_turns_bad_leaves_the_last_good_one_and_says_so_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "settings.json"
    path.write_text(SETTINGS.to_json())
    watched = watched_settings(path)
    watched.value()
    path.write_text('{"namespace": 3}')
    with caplog.at_level(logging.WARNING):
        assert watched.value() == SETTINGS
        assert watched.value() == SETTINGS
    assert len(caplog.records) == 1
    assert "going on with what it said before" in caplog.text


@pytest.mark.parametrize("content", [None, "", "  \n"])
def test_a_missing_or_empty_token_refuses_the_start(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "token"
    if content is not None:
        path.write_text(content)
    with pytest.raises(StartRefusedError, match="can't be read"):
        watched_token(path).value()


def test_a_rotated_token_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("old\n")
    watched = watched_token(path)
    assert watched.value() == b"old"
    path.write_text("newer\n")
    os.utime(path, ns=(1, 1))
    assert watched.value() == b"newer"


def test_only_the_ib_package_imports_the_ib_library() -> None:
    root = Path(ibgateway_executor.__file__).parent
    importers = {
        path.relative_to(root).parent.as_posix()
        for path in root.rglob("*.py")
        if "ib_async" in _imports(path)
    }
    assert importers == {"broker/ib"}


def test_the_pure_parts_import_nothing_that_acts() -> None:
    root = Path(ibgateway_executor.__file__).parent
    acting = {"asyncio", "aiohttp", "fastapi", "sqlalchemy", "ib_async", "time", "os", "logging"}
    pure = (
        "orders/order",
        "orders/broker_reports",
        "orders/queue",
        "orders/market_hours",
        "broker/connection_state",
        "intake/access",
        "intake/schema",
        "ledger/rows",
    )
    found = {name: _imports(root / f"{name}.py") & acting for name in pure}
    assert found == {name: set() for name in pure}


def _imports(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names
