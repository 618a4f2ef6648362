"""What is remembered of a gateway goes with that very gateway."""

from ibgateway_api.names import Key
from ibgateway_operator.model.memory import Memories
from operator_fakes import OperatorWorld, ibgateway_body, report

KEY = Key("trading", "paper")


def test_a_resource_of_another_uid_begins_with_an_empty_memory() -> None:
    memories = Memories(lambda: 5.0)
    first = memories.of(KEY, "uid-1")
    first.replaced_for = "2026-11-18T14:59:30Z"
    assert memories.of(KEY, "uid-1") is first
    again = memories.of(KEY, "uid-2")
    assert (again.uid, again.since, again.replaced_for) == ("uid-2", 5.0, "")
    assert memories.forget(KEY) is True
    assert memories.forget(KEY) is False
    assert memories.get(KEY) is None


async def test_a_gateway_made_again_does_not_inherit_the_login_of_the_last_one(
    trading: OperatorWorld,
) -> None:
    trading.hear(report())
    trading.api_server.remove("IBGateway", "paper")
    trading.api_server.put(ibgateway_body(uid="uid-2"))
    await trading.reconcile()
    assert trading.remembered_owners() == {"uid-2"}
    assert trading.heard() is None
