"""Stages of tests on the cluster: one namespace a module, gone before and after.

A conftest takes them by importing their names.
"""

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ibgateway_cluster import Cluster
from ibgateway_cluster.errors import CommandError
from ibgateway_cluster.report import Reporter
from ibgateway_stage import images
from ibgateway_stage.calendar import calendar
from ibgateway_stage.ibkr import Ibkr
from ibgateway_stage.stage import Stage

__all__ = ["ibkr", "long_ago", "provided", "stage"]

Json = dict[str, Any]


@pytest.fixture(scope="module")
def long_ago() -> Json:
    """A calendar whose boundary is days away on either side."""
    return calendar(datetime.now(UTC) - timedelta(days=3))


@pytest.fixture(scope="session", autouse=True)
def provided(cluster: Cluster) -> None:
    """The images of this checkout in the node; nothing to do where they are there."""
    images.provide(cluster, Reporter())


@pytest.fixture(scope="module")
def stage(
    cluster: Cluster, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    """A namespace named after the folder and the module, with a simulated IBKR in it; of a failure its logs are kept."""
    name = request.path.stem.removeprefix("test_").replace("_", "-")
    stage = Stage(cluster, f"{request.path.parent.name}-{name}")
    remove(stage)
    stage.prepare()
    stage.start_ibkr()
    failed = request.session.testsfailed
    yield stage
    if request.session.testsfailed > failed:
        keep_logs(stage, tmp_path_factory.mktemp(stage.namespace))
    remove(stage)


@pytest.fixture(scope="module")
def ibkr(stage: Stage) -> Iterator[Ibkr]:
    """IBKR's control API."""
    with stage.ibkr() as client:
        yield client


def keep_logs(stage: Stage, folder: Path) -> None:
    """What each pod has said, under pytest's temporary folder: the namespace goes, and with it the pods."""
    for pod in stage.kubectl("get", "pods", "-o=name").split():
        with contextlib.suppress(CommandError):
            said = stage.kubectl("logs", pod, "--all-containers", "--prefix", "--tail=-1")
            (folder / f"{pod.removeprefix('pod/')}.log").write_text(said)


def remove(stage: Stage) -> None:
    """The namespace and all that is in it; no gateway takes its leave of the simulated IBKR, which goes too."""
    kubectl, name = stage.cluster.kubectl, stage.namespace
    kubectl("delete", "namespace", name, "--ignore-not-found", "--wait=false")
    kubectl(f"--namespace={name}", "delete", "pods", "--all", "--force", "--grace-period=0")
    kubectl("delete", "namespace", name, "--ignore-not-found", "--timeout=180s", timeout=200)
