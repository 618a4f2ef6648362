import json
import os
from pathlib import Path
from typing import Any

import pytest

from ibgateway_cluster import engine, machine, packages, processes
from ibgateway_cluster.errors import BusyError
from ibgateway_cluster.host import Host
from ibgateway_cluster.paths import SOURCES, Paths
from ibgateway_cluster.report import Reporter

HOST = Host(root=True, debian=True, cgroup_v2=True, sys_resource=False, arch="amd64")


def written(places: Paths) -> dict[str, Any]:
    engine.OwnEngine(places, HOST).write_configuration()
    found: dict[str, Any] = json.loads((places.run / "daemon.json").read_text())
    return found


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    monkeypatch.setattr(machine, "routes", lambda: ["10.0.2.0/24"])
    found = Paths(cache=tmp_path / "cache", run=tmp_path / "run")
    found.run.mkdir()
    return found


def test_an_engine_runs_on_when_the_checkout_that_started_it_is_gone(places: Paths) -> None:
    assert str(SOURCES) not in json.dumps(written(places))
    runtime = Path(written(places)["runtimes"]["without-sys-resource"]["path"])
    assert runtime.is_relative_to(places.cache)
    assert os.access(runtime, os.X_OK)


def test_an_engine_that_was_killed_comes_again_with_this_checkouts_runtime_and_its_addresses(
    places: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = written(places)
    before["runtimes"]["without-sys-resource"]["path"] = "/gone/runc-without-sys-resource"
    (places.run / "daemon.json").write_text(json.dumps(before))
    monkeypatch.setattr(machine, "routes", lambda: [before["bip"]])
    after = written(places)
    assert after["runtimes"]["without-sys-resource"]["path"] == str(places.runtime)
    assert (after["bip"], after["default-address-pools"]) == (
        before["bip"],
        before["default-address-pools"],
    )


OTHER = f"{packages.MARKS['docker.io']} --config-file /run/ibgateway-2/daemon.json"


class InstallReachedError(Exception):
    pass


@pytest.fixture
def beside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with another engine, process 7; nothing is really started."""

    def installs(*_: object) -> None:
        raise InstallReachedError

    monkeypatch.setattr(processes, "command_line", {7: OTHER, 8: "sleep 9"}.__getitem__)
    monkeypatch.setattr(processes, "matching", lambda condition: list(filter(condition, (7, 8))))
    monkeypatch.setattr(packages, "install", installs)


@pytest.mark.usefixtures("beside")
def test_an_engine_does_not_start_beside_another_one_of_the_same_network(
    places: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "network", lambda pid: "net:[1]")
    with pytest.raises(BusyError, match=r"process 7: .*/run/ibgateway-2/daemon.json.*make down"):
        engine.OwnEngine(places, HOST).start(Reporter())


@pytest.mark.usefixtures("beside")
def test_an_engine_of_another_network_is_in_nobodys_way(
    places: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "network", lambda pid: f"net:[{pid}]")
    with pytest.raises(InstallReachedError):
        engine.OwnEngine(places, HOST).start(Reporter())
