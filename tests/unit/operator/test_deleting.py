"""An IBGateway that is being deleted: its gate is closed, and nobody spins over it."""

from operator_fakes import OperatorWorld


def delete_with_a_finalizer(world: OperatorWorld) -> None:
    body = world.stored()
    meta = {**body["metadata"], "deletionTimestamp": "2026-11-18T14:59:59Z"}
    world.api_server.put({**body, "metadata": meta})


async def test_it_is_left_alone_and_wakes_nobody(trading: OperatorWorld) -> None:
    await trading.drain_queue()
    delete_with_a_finalizer(trading)
    for _ in range(3):
        assert await trading.reconcile() == []
        assert trading.again is None
    assert trading.reconciles_due() == 0
    assert trading.remembered_owners() == {"uid-1"}


async def test_its_gate_is_closed_also_by_an_operator_that_has_just_started(
    trading: OperatorWorld,
) -> None:
    delete_with_a_finalizer(trading)
    trading.app.memories.clear()
    await trading.reconcile()
    await trading.keep_gate()
    for _ in range(6):
        trading.pass_time(1)
        await trading.reconcile()
    assert [w for w in await trading.keep_gate() if w.startswith("condition False")] != []


async def test_its_end_is_told_once(trading: OperatorWorld) -> None:
    delete_with_a_finalizer(trading)
    await trading.reconcile()
    trading.api_server.remove("IBGateway", "paper")
    await trading.reconcile()
    assert trading.remembered_owners() == set()
    assert trading.again is None
