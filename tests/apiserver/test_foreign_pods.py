"""Pods of others that follow a gate, on an API server of their own: who is told what, when, and by how many writes."""

from typing import Any

import pytest

from scale_world import network

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

Json = dict[str, Any]
COUNT = 20


@pytest.fixture(scope="module")
def seen(own_network: None) -> Json:
    """What happened."""
    return network.played("scale_world.foreign_pods", str(COUNT), "3")


def test_pods_of_a_deployment_a_stateful_set_and_of_nobody_follow(seen: Json) -> None:
    assert seen["follow"] == {"open": {"True": COUNT}, "own condition": True}


def test_a_quiet_minute_costs_no_write(seen: Json) -> None:
    assert seen["quiet"] == {}


def test_every_loss_reaches_every_pod(seen: Json) -> None:
    assert seen["turns"]["missed"] == 0
    assert [len(each) for each in seen["turns"]["programs"]] == [COUNT] * 6


def test_a_name_that_no_gateway_has_says_so_and_follows_once_it_is_right(seen: Json) -> None:
    assert seen["labels"] == {
        "typo": "False GatewayMissing",
        "early": "False GatewayMissing",
        "corrected": "True GateOpen",
        "of the other gateway": "False ConnectionLost",
        "without a label": [
            "ContainersReady",
            "Initialized",
            "PodScheduled",
            "Ready",
            "example.com/warm",
        ],
        "gateway deleted": "False GatewayMissing",
    }


def test_a_pod_with_all_our_labels_is_left_where_it_is_and_changes_nothing(seen: Json) -> None:
    assert seen["pretended"] == {"executor": "PodReady", "deleted": False, "owners": []}


def test_a_label_that_goes_while_no_operator_is_there_is_found_by_the_next_one(seen: Json) -> None:
    assert seen["away"] == {
        "kept": "True GateOpen",
        "written": {"patch pods/status 200": 1},
        "others": {"True": COUNT - 2},
    }
