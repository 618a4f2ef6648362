"""The children of an IBGateway are made once for the same input."""

from dataclasses import replace

import pytest

from ibgateway_api.names import Key
from ibgateway_operator.desired import built as module
from ibgateway_operator.desired.built import KEPT_GATEWAYS, DesiredMemory, DesiredState, built
from ibgateway_operator.desired.config import settings_hash
from ibgateway_operator.desired.input import DesiredInput
from ibgateway_operator.model.manifests import digest
from operator_fakes import OperatorWorld, desired_input


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[DesiredInput]:
    """What children were made from, in order."""
    inputs: list[DesiredInput] = []

    def counted(given: DesiredInput) -> DesiredState:
        inputs.append(given)
        return built(given)

    monkeypatch.setattr(module, "built", counted)
    return inputs


def test_each_child_has_its_digest_and_each_config_map_its_settings_hash() -> None:
    children = built(desired_input())
    assert list(children.marks.values()) == [digest(m) for m in children.manifests]
    maps = [m for m in children.manifests if m["kind"] == "ConfigMap"]
    assert children.settings == {m["metadata"]["name"]: settings_hash(m) for m in maps}


def test_the_same_input_makes_nothing_and_another_one_everything(made: list[DesiredInput]) -> None:
    memory = DesiredMemory()
    first = memory.of(desired_input())
    assert memory.of(desired_input()) is first
    stopped = memory.of(replace(desired_input(), gateway_replicas=0))
    assert [given.gateway_replicas for given in made] == [1, 0]
    assert stopped.manifests == built(replace(desired_input(), gateway_replicas=0)).manifests


def test_what_was_asked_for_longest_ago_is_forgotten(made: list[DesiredInput]) -> None:
    memory = DesiredMemory()
    plans = [
        replace(desired_input(), key=Key("trading", f"paper{number}"))
        for number in range(KEPT_GATEWAYS + 1)
    ]
    for plan in (*plans, plans[-1], plans[0]):
        memory.of(plan)
    assert made == [*plans, plans[0]]


async def test_a_quiet_gateways_children_are_not_made_again(
    trading: OperatorWorld, made: list[DesiredInput]
) -> None:
    await trading.reconcile()
    assert made == []
    trading.edit(suspend=True)
    await trading.reconcile()
    await trading.reconcile()
    assert [given.spec.suspend for given in made][-1:] == [True]
    assert len(made) <= 2
