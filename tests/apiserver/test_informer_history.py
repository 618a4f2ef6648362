"""The informer against a real API server that restarts, forgets what was (410) and comes back with an older etcd."""

from typing import Any

import pytest

from scale_world import network
from scale_world.history import kubeconfig

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

Json = dict[str, Any]


@pytest.fixture(scope="module")
def seen(own_network: None, tmp_path_factory: pytest.TempPathFactory) -> Json:
    """What was told."""
    folder = tmp_path_factory.mktemp("history")
    config = str(kubeconfig(folder))
    return network.played("scale_world.history", str(folder), KUBECONFIG=config)


def test_a_watch_goes_on_after_a_restart_of_the_server(seen: Json) -> None:
    assert seen["restarted"] == ["b after the restart"]


def test_what_was_missed_is_told_also_where_the_server_has_forgotten_it(seen: Json) -> None:
    """An object that went, one that went and came again under its name, and a new one."""
    assert seen["away for too long"] == ["a made again", "c new", "end of a", "end of b"]


def test_an_older_etcd_is_noticed_and_nothing_is_believed_any_more(seen: Json) -> None:
    assert seen["gone back"] == []
    assert seen["dead"] == "a watch has ended"
