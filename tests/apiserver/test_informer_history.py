"""The informer against a real API server that restarts, forgets what was (410) and comes back with an older etcd."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from ibgateway_cluster import Cluster
from scale_world import network
from scale_world.history import kubeconfig

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

Json = dict[str, Any]


@pytest.fixture(scope="module")
def seen(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Json:
    """What was told. The cluster's own programs are used, so it must have been built."""
    if os.geteuid() != 0:
        pytest.skip("root is needed: the run makes a network namespace of its own")
    folder = tmp_path_factory.mktemp("history")
    paths = os.pathsep.join(part for part in sys.path if part)
    told = subprocess.run(
        network.apart(sys.executable, "-m", "scale_world.history", str(folder)),
        env={**os.environ, "PYTHONPATH": paths, "KUBECONFIG": str(kubeconfig(folder))},
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    found: Json = json.loads(told.stdout.splitlines()[-1])
    return found


def test_a_watch_goes_on_after_a_restart_of_the_server(seen: Json) -> None:
    assert seen["restarted"] == ["b after the restart"]


def test_what_was_missed_is_told_also_where_the_server_has_forgotten_it(seen: Json) -> None:
    """An object that went, one that went and came again under its name, and a new one."""
    assert seen["away for too long"] == ["a made again", "c new", "end of a", "end of b"]


def test_an_older_etcd_is_noticed_and_nothing_is_believed_any_more(seen: Json) -> None:
    assert seen["gone back"] == []
    assert seen["dead"] == "a watch has ended"
