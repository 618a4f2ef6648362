"""A node that boots too slowly for kind."""

import pytest

from ibgateway_cluster.boots import boot
from ibgateway_cluster.errors import CommandError

SLOW = (
    'could not find a log line that matches "Reached target .*Multi-User System.*|detected cgroup"'
)


class Nodes:
    """They fail with these outputs, one a boot, then they come up."""

    def __init__(self, *failures: str) -> None:
        self.failures = list(failures)
        self.done: list[str] = []

    def create(self) -> None:
        self.done.append("create")
        if self.failures:
            raise CommandError(["kind", "create"], 1, self.failures.pop(0))

    def boot(self) -> None:
        boot(self.create, lambda: self.done.append("remove"), lambda _: self.done.append("say"))


def test_a_node_that_is_up_in_time_is_booted_once() -> None:
    nodes = Nodes()
    nodes.boot()
    assert nodes.done == ["create"]


def test_a_slow_node_is_removed_and_booted_anew() -> None:
    nodes = Nodes(SLOW, SLOW)
    nodes.boot()
    assert nodes.done == ["create", "say", "remove"] * 2 + ["create"]


def test_a_node_that_is_never_up_in_time_is_an_error() -> None:
    nodes = Nodes(SLOW, SLOW, SLOW)
    with pytest.raises(CommandError, match="Multi-User"):
        nodes.boot()
    assert nodes.done.count("create") == 3


def test_another_error_is_one_at_once() -> None:
    nodes = Nodes("the image is not there")
    with pytest.raises(CommandError, match="not there"):
        nodes.boot()
    assert nodes.done == ["create"]
