"""Two watched namespaces of which one may not be read: the other one is served, and this one once it may be."""

from typing import Any

import pytest

from scale_world import network

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

Json = dict[str, Any]


@pytest.fixture(scope="module")
def seen(own_network: None, tmp_path_factory: pytest.TempPathFactory) -> Json:
    """What happened."""
    return network.played("scale_world.refused", str(tmp_path_factory.mktemp("refused")))


def test_one_that_is_forbidden_holds_up_no_other(seen: Json) -> None:
    assert (seen["lab has a status"], seen["ended"]) == (False, None)
    [said] = seen["log"]
    assert "namespace lab is not served until it may be read" in said


def test_the_operator_begins_anew_once_it_may_be_read(seen: Json) -> None:
    assert seen["then ended with"] == 0
