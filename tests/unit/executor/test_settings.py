"""The environment, and what must be right before the executor starts."""

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from executor_fakes import SETTINGS
from ibgateway_api.accounts import TradingMode
from ibgateway_executor.errors import StartRefusedError
from ibgateway_executor.run import run
from ibgateway_executor.settings import ExecutorEnvironment, read_environment
from ibgateway_runtime.errors import SettingsError


def test_the_environment_has_the_pods_paths_as_defaults() -> None:
    found = read_environment({"EXECUTOR_PORT": "18080"})
    assert (str(found.settings), found.port, found.health_port, found.bind) == (
        "/etc/ibgateway/settings.json",
        18080,
        8081,
        "0.0.0.0",  # noqa: S104 - the expected default
    )


@pytest.mark.parametrize("name", ["EXECUTOR_PORT", "EXECUTOR_HEALTH_PORT"])
def test_a_port_that_is_no_number_is_named(name: str) -> None:
    with pytest.raises(SettingsError, match=f"{name} is 'http': give a port number"):
        read_environment({name: "http"})


@pytest.fixture
def environment(tmp_path: Path) -> ExecutorEnvironment:
    """Files of an executor that could start."""
    (tmp_path / "settings.json").write_text(SETTINGS.to_json())
    for token in ("token", "agent-token"):
        (tmp_path / token).write_text("t0ken")
    return read_environment(
        {
            "EXECUTOR_SETTINGS": str(tmp_path / "settings.json"),
            "EXECUTOR_TOKEN_FILE": str(tmp_path / "token"),
            "EXECUTOR_AGENT_TOKEN_FILE": str(tmp_path / "agent-token"),
            "EXECUTOR_DATA_DIR": str(tmp_path / "data"),
            "EXECUTOR_BIND": "127.0.0.1",
        }
    )


@pytest.mark.parametrize("name", ["settings.json", "token", "agent-token"])
async def test_a_file_that_is_empty_refuses_the_start(
    environment: ExecutorEnvironment, tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_text("\n")
    with pytest.raises(SettingsError, match=f"{name} can't be read"):
        await run(environment)


async def test_a_ledger_of_another_mode_refuses_the_start(
    environment: ExecutorEnvironment, tmp_path: Path
) -> None:
    (tmp_path / "agent-token").write_text("")
    with pytest.raises(SettingsError):
        await run(environment)
    live = SETTINGS.model_copy(update={"trading_mode": TradingMode.LIVE})
    (tmp_path / "live.json").write_text(live.to_json())
    with pytest.raises(StartRefusedError, match="belongs to a paper gateway"):
        await run(replace(environment, settings=tmp_path / "live.json"))


@pytest.mark.parametrize("which", ["port", "health_port"])
async def test_a_port_that_is_taken_refuses_the_start(
    environment: ExecutorEnvironment, which: str
) -> None:
    free = {"port": 0, "health_port": 0}
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=f"port {port} can't be opened"):
            await run(replace(environment, **(free | {which: port})))
