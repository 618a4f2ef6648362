"""The resync: what the API server itself says against what no watch has shown."""

from operator_fakes import OperatorWorld, ibgateway_body

MADE_ANEW = ["conflict Service paper-novnc", "apply Service paper-novnc"]
"""First onto the object as the watches show it, then anew."""


async def test_what_the_api_server_has_lost_is_applied_again(trading: OperatorWorld) -> None:
    trading.silence_watches()
    trading.api_server.remove("Service", "paper-novnc")
    await trading.resync()
    assert await trading.reconcile() == MADE_ANEW


async def test_a_gateway_whose_end_no_watch_has_shown_is_forgotten(trading: OperatorWorld) -> None:
    trading.silence_watches()
    trading.api_server.remove("IBGateway", "paper")
    await trading.resync()
    assert await trading.reconcile() == []
    assert trading.again is None
    assert trading.gateway_uid() == ""


async def test_a_resync_of_a_healthy_gateway_writes_nothing(trading: OperatorWorld) -> None:
    await trading.resync()
    assert await trading.reconcile() == []


async def test_looks_at_all_gateways_do_not_come_at_once(trading: OperatorWorld) -> None:
    for number in range(9):
        trading.api_server.put(ibgateway_body(name=f"g{number}", uid=f"uid-g{number}"))
    await trading.drain_queue()
    await trading.resync()
    due = []
    for _ in range(10):
        due.append(trading.reconciles_due())
        trading.pass_time(31.0)
    assert due == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
