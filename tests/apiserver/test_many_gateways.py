"""Operator and watchdog as processes, with a dozen gateways that trade, on an API server of their own.

Pods run by a pretended kubelet, and sentinels, consoles and executors answer from one process; so gates
are open, which no cluster without images can show.
"""

from typing import Any

import pytest

from scale_world import network

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

Json = dict[str, Any]
COUNT = 12
ALL_OPEN = {"open": COUNT, "closed": 0}


@pytest.fixture(scope="module")
def seen(own_network: None) -> Json:
    """What happened."""
    return network.played("scale_world.restarts", str(COUNT))


def test_what_the_operator_does_is_to_be_scraped_and_no_secret_with_it(seen: Json) -> None:
    found = seen["scraped"]
    assert found["leading"] == {"": 1.0}
    assert found["gateways"] == {"": COUNT}
    assert found["open gates"] == COUNT
    assert found["reconciles"]["done"] > COUNT
    assert {"GET", "PATCH"} <= set(found["methods"])
    assert {"200", "201"} <= set(found["codes"])
    assert found["secrets"] == []


def test_an_operator_that_starts_again_writes_nothing_and_closes_no_gate(seen: Json) -> None:
    assert seen["starts again"] == {"written": {}, "gates": ALL_OPEN}


def test_a_status_that_nobody_keeps_says_so_for_every_gateway(seen: Json) -> None:
    away = seen["is away"]
    assert away["Ready"] == ["Unknown"]
    assert away["others kept"] is True
    assert away["by the watchdog"] == {"patch ibgateways/status 200": COUNT}


def test_no_gate_closes_while_the_operator_is_away(seen: Json) -> None:
    assert seen["is away"]["gates"] == ALL_OPEN
    assert seen["is away"]["gates at the end"] == ALL_OPEN


def test_the_operator_takes_it_back_and_writes_nothing_else(seen: Json) -> None:
    assert seen["is away"]["by the operator"] == {"patch ibgateways/status 200": COUNT}
