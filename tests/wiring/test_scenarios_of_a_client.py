"""Every scenario of docs/simulator.md, seen through the unmodified ib_async over a socket."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Any

import ib_async
import pytest

from host_processes import free_port
from ibgateway_simulator.gateway.relay import Relay
from simulator_fakes.ibkr_world import IbkrWorld, ibkr_world

PATIENCE = 20
TOO_SOON = 0.4
"""Seconds after which a client gives up on a start-up that does not come."""
LONG_ENOUGH = 3.0
"""The same, where it comes but for one answer that the client does without."""
AAPL = ib_async.Contract(
    conId=265598, symbol="AAPL", secType="STK", exchange="SMART", currency="USD"
)


class Desk:
    """IBKR with a gateway logged in, and clients of ib_async that connect to its port."""

    def __init__(self, world: IbkrWorld, port: int) -> None:
        self.world = world
        self.port = port
        self.errors: list[tuple[int, int, str]] = []
        self._clients: list[Any] = []

    async def faults(self, **changes: Any) -> None:
        await self.world.call("PATCH", "/v1/faults", changes)

    async def connect(
        self, client_id: int = 17, *, patience: float = PATIENCE, **options: Any
    ) -> Any:
        ib = ib_async.IB()
        self._clients.append(ib)
        ib.errorEvent += lambda request, code, text, *_: self.errors.append((request, code, text))
        await ib.connectAsync(
            "127.0.0.1", self.port, clientId=client_id, timeout=patience, **options
        )
        return ib

    def codes(self) -> list[int]:
        return [code for _, code, _ in self.errors]

    async def told(self, code: int) -> str:
        """The text of an error with this code, once it has come."""
        await until(lambda: code in self.codes())
        return next(text for _, known, text in self.errors if known == code)

    def close(self) -> None:
        for ib in self._clients:
            with contextlib.suppress(OSError):
                ib.disconnect()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 -- a client's state has no event for it
            await asyncio.sleep(0.01)


def order(order_type: str = "MKT", *, action: str = "BUY", **fields: Any) -> Any:
    given = {"tif": "DAY", "orderRef": "one"} | fields
    return ib_async.Order(action=action, totalQuantity=10, orderType=order_type, **given)


async def filled(trade: Any) -> None:
    await until(lambda: trade.orderStatus.status == "Filled")


def statuses(trade: Any) -> list[str]:
    return [entry.status for entry in trade.log]


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with ibkr_world() as world:
        logged_in = await world.login()
        relay = Relay("127.0.0.1", world.ibkr.broker_port, 0)
        await relay.open(logged_in["session"])
        made = Desk(world, relay.port)
        yield made
        made.close()
        relay.close()


async def test_a_closed_port_refuses(desk: Desk) -> None:
    desk.port = free_port()
    with pytest.raises(ConnectionRefusedError):
        await desk.connect()


async def test_b_accepted_and_closed_is_a_time_out(desk: Desk) -> None:
    await desk.faults(close_at_once=True)
    with pytest.raises(TimeoutError):
        await desk.connect(patience=TOO_SOON)
    assert desk.errors == []


async def test_c_a_silent_port_is_a_time_out_and_a_slow_one_is_waited_for(desk: Desk) -> None:
    await desk.faults(mute=True)
    with pytest.raises(TimeoutError):
        await desk.connect(patience=TOO_SOON)
    await desk.faults(mute=False, handshake_seconds=TOO_SOON)
    ib = await desk.connect(client_id=18)
    assert ib.managedAccounts() == ["DU1234567"]


async def test_e_a_client_id_in_use_is_326(desk: Desk) -> None:
    first = await desk.connect()
    with pytest.raises(TimeoutError):
        await desk.connect(patience=LONG_ENOUGH)
    assert 326 in desk.codes()
    assert first.isConnected()


async def test_f_a_lost_link_is_told_and_the_connection_stays(desk: Desk) -> None:
    ib = await desk.connect()
    await desk.world.call("POST", "/v1/connectivity", {"state": "lost"})
    await desk.told(1100)
    assert ib.isConnected()
    assert await ib.reqCurrentTimeAsync()
    await desk.world.call("POST", "/v1/connectivity", {"state": "restored", "code": 1101})
    await desk.told(1101)


async def test_g_a_competing_session_takes_the_link_and_the_prices(desk: Desk) -> None:
    ib = await desk.connect()
    await desk.faults(competing_data=True)
    ib.reqMktData(AAPL)
    await desk.told(10197)
    await desk.world.call("POST", "/v1/users/paperuser/kick", {"style": "silent"})
    await desk.told(1100)
    assert ib.isConnected()
    await desk.world.call("POST", "/v1/users/paperuser/free")
    await desk.told(1102)


async def test_h_a_reset_loses_the_connection_and_ids_go_back(desk: Desk) -> None:
    back = {"account": "DU1234567", "client_id": 17, "value": 40}
    await desk.world.call("PATCH", "/v1/next-ids", back)
    ib = await desk.connect()
    before = ib.client.getReqId()
    assert before >= 40
    await desk.world.call("POST", "/v1/connections/drop", {})
    await until(lambda: not ib.isConnected())
    await desk.world.call("PATCH", "/v1/next-ids", back | {"value": 1})
    again = await desk.connect()
    assert again.client.getReqId() < 40


async def test_j_a_read_only_api_refuses_orders(desk: Desk) -> None:
    await desk.faults(read_only=True)
    ib = await desk.connect(readonly=True)
    ib.placeOrder(AAPL, order())
    assert "Read-Only" in await desk.told(321)
    (arrival,) = (await desk.world.call("GET", "/v1/audit"))["arrivals"]
    assert (arrival["fate"], arrival["perm_id"]) == ("read-only", 0)


async def test_l_an_order_for_a_closed_market_waits(desk: Desk) -> None:
    await desk.world.call("PATCH", "/v1/clock", {"hours": "closed"})
    ib = await desk.connect()
    trade = ib.placeOrder(AAPL, order())
    assert "will not be placed at the exchange until" in await desk.told(399)
    assert trade.isActive()
    await desk.world.call("PATCH", "/v1/clock", {"hours": "always"})
    await filled(trade)


async def test_m_an_order_fills_in_lots(desk: Desk) -> None:
    await desk.world.call("PATCH", "/v1/market", {"lot": "4", "slippage": "0.09"})
    ib = await desk.connect()
    trade = ib.placeOrder(AAPL, order())
    await filled(trade)
    fills = [(float(fill.execution.shares), fill.execution.price) for fill in trade.fills]
    assert fills == [(4, 190.1), (4, 190.1), (2, 190.1)]
    assert "Submitted" in statuses(trade)


async def test_n_a_preset_time_in_force_is_10349_and_the_order_fills(desk: Desk) -> None:
    ib = await desk.connect()
    trade = ib.placeOrder(AAPL, order(tif=""))
    await desk.told(10349)
    await filled(trade)
    assert "Cancelled" in statuses(trade)
    (booked,) = (await desk.world.call("GET", "/v1/audit"))["orders"]
    assert booked["tif"] == "DAY"


@pytest.mark.parametrize("reference", ["one", "a-reference-of-32-characters-...."])
async def test_o_an_order_booked_unheard_is_among_the_executions(
    desk: Desk, reference: str
) -> None:
    await desk.faults(lose_next="after-booking", order_ref_limit=20)
    ib = await desk.connect()
    ib.placeOrder(AAPL, order(orderRef=reference))
    await until(lambda: not ib.isConnected())
    await desk.world.event("execution")
    again = await desk.connect()
    assert [fill.execution.orderRef for fill in again.fills()] == [reference[:20]]
    audit = await desk.world.call("GET", "/v1/audit")
    assert [a["order_ref"] for a in audit["arrivals"]] == [reference]
    assert [a["perm_id"] for a in audit["arrivals"]] == [o["perm_id"] for o in audit["orders"]]


async def test_p_a_lost_order_is_nowhere(desk: Desk) -> None:
    await desk.faults(lose_next="before-booking")
    ib = await desk.connect()
    lost = ib.placeOrder(AAPL, order())
    await until(lambda: not ib.isConnected())
    again = await desk.connect()
    assert (again.openTrades(), again.fills(), again.trades()) == ([], [], [])
    assert again.client.getReqId() == lost.order.orderId
    audit = await desk.world.call("GET", "/v1/audit")
    assert [a["fate"] for a in audit["arrivals"]] == ["lost"]
    assert audit["orders"] == []


async def test_q_an_order_id_again_is_103(desk: Desk) -> None:
    ib = await desk.connect()
    first = ib.placeOrder(AAPL, order())
    await until(lambda: first.orderStatus.status == "Filled")
    ib.client.placeOrder(first.order.orderId, AAPL, order(orderRef="two"))
    await desk.told(103)
    fates = [a["fate"] for a in (await desk.world.call("GET", "/v1/audit"))["arrivals"]]
    assert fates == ["booked", "refused"]


async def test_r_executions_may_never_be_answered(desk: Desk) -> None:
    await desk.faults(silent_requests=[7])
    ib = await desk.connect(patience=LONG_ENOUGH)
    assert ib.isConnected()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(ib.reqExecutionsAsync(), TOO_SOON)


async def test_executions_may_be_unknown_for_a_moment(desk: Desk) -> None:
    ib = await desk.connect()
    trade = ib.placeOrder(AAPL, order())
    await filled(trade)
    ib.disconnect()
    await desk.faults(reports_empty_seconds=3600)
    again = await desk.connect(client_id=18)
    assert (await again.reqExecutionsAsync(), again.trades()) == ([], [])
    await desk.faults(reports_empty_seconds=0)
    assert [fill.execution.orderRef for fill in await again.reqExecutionsAsync()] == ["one"]
    assert [t.order.orderRef for t in await again.reqCompletedOrdersAsync(apiOnly=False)] == ["one"]


async def test_s_the_time_is_not_told_twice_in_a_second(desk: Desk) -> None:
    ib = await desk.connect()
    assert await ib.reqCurrentTimeAsync()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(ib.reqCurrentTimeAsync(), TOO_SOON)


async def test_t_a_mute_gateway_looks_connected(desk: Desk) -> None:
    ib = await desk.connect()
    await desk.faults(mute=True)
    trade = ib.placeOrder(AAPL, order())
    await desk.world.event("execution")
    assert ib.isConnected()
    assert (trade.orderStatus.status, trade.order.permId) == ("PendingSubmit", 0)


async def test_u_too_many_messages_are_100(desk: Desk) -> None:
    ib = await desk.connect()
    await desk.faults(max_rate=3)
    for _ in range(8):
        ib.client.reqIds(1)
    await desk.told(100)


async def test_v_a_gateway_without_servers_connects_and_answers_nothing(desk: Desk) -> None:
    await desk.faults(broker_link_down=True)
    ib = await desk.connect(patience=LONG_ENOUGH)
    await desk.told(2110)
    assert await ib.reqContractDetailsAsync(AAPL) == []
    await desk.told(200)
    ib.reqMktData(AAPL)
    await desk.told(10159)


async def test_w_values_by_currency_carry_a_prefix(desk: Desk) -> None:
    await desk.faults(ledger_prefix=True)
    ib = await desk.connect()
    tags = {value.tag for value in ib.accountValues()}
    assert "$LEDGER-CashBalance" in tags
    assert "CashBalance" not in tags


async def test_x_another_account_is_told(desk: Desk) -> None:
    await desk.faults(managed_accounts="U7654321")
    ib = await desk.connect(patience=LONG_ENOUGH, account="U7654321")
    assert ib.managedAccounts() == ["U7654321"]


async def test_several_accounts_are_told_apart(desk: Desk) -> None:
    accounts = ["DU1", "DU2", "DU3"]
    user = {"password": "many", "accounts": accounts, "two_factor": False}
    await desk.world.call("PUT", "/v1/users/adviser", user)
    await desk.world.call("PATCH", "/v1/accounts/DU2", {"type": "margin", "cash": {"USD": "5000"}})
    await desk.world.gateway("g2")
    await desk.world.ask(user="adviser", password="many")
    relay = Relay("127.0.0.1", desk.world.ibkr.broker_port, 0)
    await relay.open((await desk.world.message("logged_in"))["session"])
    desk.port = relay.port
    ib = await desk.connect()
    assert ib.managedAccounts() == accounts
    values = {(v.account, v.tag): v.value for v in await ib.accountSummaryAsync()}
    assert values["DU2", "TotalCashValue"] == "5000.00"
    assert values["DU2", "BuyingPower"] == "20000.00"
    assert values["DU1", "BuyingPower"] == "1000000.00"
    ib.placeOrder(AAPL, order())
    await desk.told(435)
    ib.placeOrder(AAPL, order(account="DU1234567"))
    await desk.told(321)
    for account in ("DU1", "DU3"):
        trade = ib.placeOrder(AAPL, order(account=account, orderRef=account))
        await filled(trade)
    await until(lambda: len(ib.positions()) == 2)
    held = {position.account: float(position.position) for position in ib.positions()}
    assert held == {"DU1": 10, "DU3": 10}
    executions = await ib.reqExecutionsAsync()
    assert [fill.execution.acctNumber for fill in executions] == ["DU1", "DU3"]
    ib.disconnect()
    relay.close()


async def test_an_order_ref_may_be_cut(desk: Desk) -> None:
    await desk.faults(order_ref_limit=8, hold_fills=True)
    ib = await desk.connect()
    ib.placeOrder(AAPL, order(orderRef="0123456789"))
    await desk.world.event("order")
    assert [t.order.orderRef for t in await ib.reqAllOpenOrdersAsync()] == ["01234567"]


@pytest.mark.parametrize("changes", [{"repeat_reports": True}, {"reverse_reports": True}])
async def test_reports_may_come_twice_and_in_another_order(
    desk: Desk, changes: dict[str, bool]
) -> None:
    await desk.faults(**changes)
    ib = await desk.connect()
    trade = ib.placeOrder(AAPL, order())
    await until(lambda: len(trade.fills) == 1 and "Filled" in statuses(trade))
    told = await desk.world.call("GET", "/v1/frames?direction=out&client_id=17")
    seen = [frame["fields"][0] for frame in told if frame["fields"][0] in ("11", "59", "5")]
    if "reverse_reports" in changes:
        assert seen[-4:] == ["59", "5", "5", "11"]
    else:
        assert (seen.count("11"), seen.count("59")) == (2, 2)
        last = [frame["fields"] for frame in told if frame["fields"][0] == "3"][-1]
        assert last[2:4] == ["Submitted", "0"]


@pytest.mark.parametrize(("order_type", "price"), [("STP", "195"), ("STP LMT", "195.20")])
async def test_a_stop_is_met_by_a_price(desk: Desk, order_type: str, price: str) -> None:
    ib = await desk.connect()
    trade = ib.placeOrder(AAPL, order(order_type, auxPrice=195, lmtPrice=196, tif="GTC"))
    await until(lambda: trade.orderStatus.status == "PreSubmitted")
    await desk.world.call("PATCH", "/v1/prices", {"AAPL": price})
    await filled(trade)
    assert Decimal(str(trade.fills[0].execution.price)) == Decimal(price) + Decimal("0.01")


async def test_a_what_if_has_figures_and_takes_an_id(desk: Desk) -> None:
    await desk.faults(what_if_unset_first=True)
    ib = await desk.connect()
    before = ib.client.getReqId()
    state = await ib.whatIfOrderAsync(AAPL, order())
    assert (float(state.initMarginChange), state.commission) == (1900, 1)
    audit = await desk.world.call("GET", "/v1/audit")
    assert ([a["fate"] for a in audit["arrivals"]], audit["orders"]) == (["what-if"], [])
    ib.disconnect()
    assert (await desk.connect(client_id=17)).client.getReqId() > before


async def test_settled_cash_follows_a_sale_by_a_day(desk: Desk) -> None:
    held = {"positions": {"AAPL": {"quantity": "10", "average_cost": "100"}}}
    await desk.world.call("PATCH", "/v1/accounts/DU1234567", held | {"cash": {"USD": "0"}})
    ib = await desk.connect()

    async def cash() -> tuple[str, str]:
        values = {v.tag: v.value for v in await ib.accountSummaryAsync()}
        return values["TotalCashValue"], values["SettledCash"]

    trade = ib.placeOrder(AAPL, order(action="SELL"))
    await filled(trade)
    assert await cash() == ("1898.90", "-1.00")
    # Five days hold a market day, whatever today is.
    await desk.world.call("PATCH", "/v1/clock", {"offset_seconds": 5 * 86400})
    ib.disconnect()
    ib = await desk.connect(client_id=18)
    assert await cash() == ("1898.90", "1898.90")
