"""Two watched namespaces of which one may not be read: the other one is served, and this one once it may be."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from ibgateway_cluster import Cluster
from scale_world import network

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

Json = dict[str, Any]


@pytest.fixture(scope="module")
def seen(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Json:
    """What happened. The cluster's own programs are used, so it must have been built."""
    if os.geteuid() != 0:
        pytest.skip("root is needed: the run makes a network namespace of its own")
    folder = tmp_path_factory.mktemp("refused")
    told = subprocess.run(
        network.apart(sys.executable, "-m", "scale_world.refused", str(folder)),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(part for part in sys.path if part)},
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    found: Json = json.loads(told.stdout.splitlines()[-1])
    return found


def test_one_that_is_forbidden_holds_up_no_other(seen: Json) -> None:
    assert (seen["lab has a status"], seen["ended"]) == (False, None)
    [said] = seen["log"]
    assert "namespace lab is not served until it may be read" in said


def test_the_operator_begins_anew_once_it_may_be_read(seen: Json) -> None:
    assert seen["then ended with"] == 0
