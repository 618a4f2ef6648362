"""What an order is given before it may be sent: account, contract, hours."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from executor_fakes import AAPL, TERMS, DispatchWorld, entry
from ibgateway_api.gate import Closed, GateReason
from ibgateway_api.login import LoginState
from ibgateway_executor.errors import NoAnswerError
from ibgateway_executor.orders.order import Contract, OrderTerms, cancel


async def test_unknown_hours_send_nothing(dispatch: DispatchWorld) -> None:
    dispatch.broker.hours = ""
    await dispatch.order("a")
    await dispatch.dispatch()
    assert await dispatch.states("a") == [("Waiting", "HoursUnknown")]
    dispatch.broker.hours = "20261123:0930-20261123:1600"
    dispatch.time.advance(16)
    await dispatch.dispatch()
    assert dispatch.placed == ["a"]


@pytest.mark.parametrize(
    ("named", "known", "state"),
    [
        (Contract(0, "NOPE"), (AAPL,), ("Rejected", "UnknownContract")),
        (
            Contract(0, "AAPL"),
            (AAPL, replace(AAPL, con_id=1)),
            ("Rejected", "AmbiguousContract"),
        ),
        (Contract(0, "AAPL"), (AAPL,), ("Sending", "")),
        (Contract(265598), (AAPL,), ("Sending", "")),
        (Contract(265598, "AAPL"), (AAPL,), ("Sending", "")),
        (Contract(265598, "aapl", currency=""), (AAPL,), ("Sending", "")),
        (Contract(265598, "MSFT"), (AAPL,), ("Rejected", "ContradictingContract")),
        (Contract(265598, currency="EUR"), (AAPL,), ("Rejected", "ContradictingContract")),
        (
            Contract(1),
            (replace(AAPL, con_id=1, sec_type="FUT"),),
            ("Rejected", "ContradictingContract"),
        ),
        (
            Contract(1, sec_type=""),
            (replace(AAPL, con_id=1, sec_type="FUT", multiplier="50"),),
            ("Sending", ""),
        ),
        (
            Contract(1, sec_type=""),
            (replace(AAPL, con_id=1, sec_type="BOND"),),
            ("Rejected", "UnsupportedContract"),
        ),
        (
            Contract(1, sec_type=""),
            (replace(AAPL, con_id=1, sec_type="FUT", multiplier="many"),),
            ("Rejected", "UnsupportedContract"),
        ),
        (Contract(1, "GONE"), (AAPL,), ("Waiting", "ContractUnresolved")),
    ],
)
async def test_a_contract_must_be_exactly_one(
    dispatch: DispatchWorld, named: Contract, known: tuple[Contract, ...], state: tuple[str, str]
) -> None:
    dispatch.broker.known = known
    await dispatch.order("a", replace(TERMS, contract=named))
    await dispatch.dispatch()
    assert await dispatch.states("a") == [state]


async def test_an_answer_that_comes_between_two_looks_is_filled_in_before_the_order_is_sent(
    dispatch: DispatchWorld,
) -> None:
    """What is checked against the limits is the order as it is stored: its symbol and its multiplier."""
    future = replace(AAPL, sec_type="FUT", multiplier="50")
    dispatch.broker.known = (future,)
    named = replace(TERMS, contract=Contract(265598, sec_type="", currency=""))
    await dispatch.order("a", named)
    await dispatch.dispatcher.dispatch()
    await dispatch.answers()
    dispatch.dispatcher._lanes_at = float("inf")
    with_symbol = Contract(265598, "AAPL", sec_type="", currency="")
    await dispatch.order("b", replace(TERMS, contract=with_symbol))
    await dispatch.dispatch()
    assert dispatch.placed == []
    dispatch.dispatcher._lanes_at = float("-inf")
    await dispatch.dispatch()
    assert [order.terms.contract for order in dispatch.broker.placed] == [future]


async def test_an_order_that_finds_the_answer_does_not_go_before_those_that_waited_for_it(
    dispatch: DispatchWorld,
) -> None:
    """Found by the crash campaign, on a machine so busy that a look at all lanes was not due when the answer came."""
    named = replace(TERMS, contract=Contract(0, "AAPL"))
    await dispatch.order("a", named)
    await dispatch.dispatcher.dispatch()
    await dispatch.answers()
    dispatch.dispatcher._lanes_at = float("inf")
    await dispatch.order("b", named)
    await dispatch.dispatch()
    assert dispatch.placed == ["a"]


async def test_an_ambiguous_contract_is_answered_with_at_most_ten_of_those_that_fit(
    dispatch: DispatchWorld,
) -> None:
    dispatch.broker.known = tuple(replace(AAPL, con_id=n) for n in range(1, 13))
    await dispatch.order("a", replace(TERMS, contract=Contract(0, "AAPL")))
    await dispatch.dispatch()
    message = (await dispatch.stored("a")).message
    assert message.startswith("12 contracts fit AAPL: name one by conId or primaryExchange: ")
    assert "conId 1 AAPL STK NASDAQ USD; conId 2 AAPL STK NASDAQ USD; " in message
    assert message.endswith("conId 10 AAPL STK NASDAQ USD; and 2 more")


async def test_a_contract_the_broker_does_not_tell_about_waits(dispatch: DispatchWorld) -> None:
    dispatch.broker.error = NoAnswerError("silence")
    await dispatch.order("a", replace(TERMS, contract=Contract(0, "AAPL")))
    await dispatch.dispatch()
    assert await dispatch.states("a") == [("Waiting", "ContractUnresolved")]


@pytest.mark.parametrize(
    ("accounts", "named", "state", "account"),
    [
        (("DU1234567",), "", ("Sending", ""), "DU1234567"),
        (("DU1", "DU2"), "DU2", ("Sending", ""), "DU2"),
        (("DU1", "DU2"), "", ("Rejected", "UnknownAccount"), ""),
        (("DU1",), "DU9", ("Rejected", "UnknownAccount"), "DU9"),
    ],
)
async def test_the_account_is_settled_before_sending(
    dispatch: DispatchWorld,
    accounts: tuple[str, ...],
    named: str,
    state: tuple[str, str],
    account: str,
) -> None:
    dispatch.accounts = accounts
    await dispatch.order("a", replace(TERMS, account=named))
    await dispatch.dispatch()
    assert await dispatch.states("a") == [state]
    assert (await dispatch.stored("a")).terms.account == account


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        (replace(TERMS, account="DU9"), "UnknownAccount"),
        (replace(TERMS, contract=Contract(0, "NOPE")), "UnknownContract"),
    ],
)
async def test_a_rejection_is_logged_and_counted(
    dispatch: DispatchWorld, caplog: pytest.LogCaptureFixture, terms: OrderTerms, reason: str
) -> None:
    await dispatch.order("a", terms)
    with caplog.at_level("INFO"):
        await dispatch.dispatch()
    assert [r.message for r in caplog.records] == [f"order a is Rejected (0 of 10 filled) {reason}"]
    assert dispatch.moves("Rejected") == 1


async def test_a_cancel_that_came_first_stands(dispatch: DispatchWorld) -> None:
    await dispatch.order("a", replace(TERMS, account="DU9"))
    dispatch.preparation.begin(trading=True)
    _, seen = await asyncio.gather(
        dispatch.ledger.advance("a", cancel), dispatch.preparation.look(dispatch.broker)
    )
    assert seen == [1]
    assert await dispatch.states("a") == [("Cancelled", "CancelledByClient")]


async def test_an_order_that_was_cancelled_meanwhile_is_not_completed(
    dispatch: DispatchWorld,
) -> None:
    await dispatch.order("a", replace(TERMS, contract=Contract(0, "AAPL")))
    dispatch.preparation.begin(trading=True)
    await dispatch.preparation.look(dispatch.broker)
    await dispatch.answers()
    dispatch.preparation.refresh(dispatch.broker)
    await asyncio.gather(
        dispatch.ledger.advance("a", cancel), dispatch.preparation.look(dispatch.broker)
    )
    order = await dispatch.stored("a")
    assert (order.state, order.terms.contract) == ("Cancelled", Contract(0, "AAPL"))


async def test_a_validity_that_a_client_chose_stays(dispatch: DispatchWorld) -> None:
    await dispatch.ledger.accept(entry("a", at=dispatch.time.now))
    chosen = (await dispatch.stored("a")).valid_until
    await dispatch.dispatch()
    assert dispatch.placed == ["a"]
    assert (await dispatch.stored("a")).valid_until == chosen


async def test_no_account_known_for_a_moment_rejects_nothing(dispatch: DispatchWorld) -> None:
    dispatch.accounts = ()
    await dispatch.order("a")
    await dispatch.dispatch()
    assert await dispatch.states("a") == [("Waiting", "NotReconciled")]
    dispatch.accounts = ("DU1234567",)
    await dispatch.dispatch()
    assert await dispatch.states("a") == [("Sending", "")]


async def test_a_mute_contract_holds_up_its_own_lane_only(dispatch: DispatchWorld) -> None:
    mute = [f"MUTE{number}" for number in range(8)]
    dispatch.broker.mute = set(mute)
    for symbol in mute:
        await dispatch.order(symbol, replace(TERMS, contract=Contract(0, symbol)))
    await dispatch.order("good", replace(TERMS, contract=Contract(0, "AAPL")))
    at = dispatch.time.seconds
    await dispatch.dispatch()
    assert dispatch.placed == ["good"]
    assert dispatch.time.seconds == at
    assert await dispatch.states("MUTE0") == [("Accepted", "")]
    dispatch.broker.give_up()
    dispatch.time.advance(0.021)
    await dispatch.dispatch()
    assert set(await dispatch.states(*mute)) == {("Waiting", "ContractUnresolved")}


async def test_a_mute_contract_is_asked_about_later_and_later(dispatch: DispatchWorld) -> None:
    dispatch.broker.mute = {"MUTE"}
    await dispatch.order("m", replace(TERMS, contract=Contract(0, "MUTE")))
    asked_at: list[float] = []
    for _ in range(400):
        await dispatch.dispatch()
        if len(dispatch.broker.questions) > len(asked_at):
            asked_at.append(dispatch.time.seconds - 1000)
        dispatch.broker.give_up()
        await dispatch.answers()
        dispatch.time.advance(1)
    assert asked_at == [0, 5, 15, 35, 75, 135, 195, 255, 315, 375]


async def test_a_contract_is_asked_about_once_however_many_orders_want_it(
    dispatch: DispatchWorld,
) -> None:
    named = replace(TERMS, contract=Contract(0, "AAPL"))
    for number in range(5):
        await dispatch.order(f"o{number}", named)
    for number in range(5):
        await dispatch.dispatch()
        await dispatch.fill(f"o{number}")
    assert dispatch.placed == ["o0", "o1", "o2", "o3", "o4"]
    assert dispatch.broker.questions == ["AAPL"]


async def test_mute_contracts_leave_room_for_new_ones(dispatch: DispatchWorld) -> None:
    mute = [f"MUTE{number}" for number in range(40)]
    dispatch.broker.mute = set(mute)
    for symbol in mute:
        await dispatch.order(symbol, replace(TERMS, contract=Contract(0, symbol)))
    for _ in range(2):
        await dispatch.dispatch()
        dispatch.broker.give_up()
        await dispatch.answers()
    dispatch.time.advance(5)
    await dispatch.dispatch()
    await dispatch.order("good", replace(TERMS, contract=Contract(0, "AAPL")))
    await dispatch.dispatch()
    assert dispatch.placed == ["good"]


async def test_a_closed_market_is_asked_about_once_an_hour(dispatch: DispatchWorld) -> None:
    dispatch.time.advance(-6 * 3600)
    await dispatch.order("a")
    for _ in range(7):
        await dispatch.dispatch()
        dispatch.time.advance(600)
    assert await dispatch.states("a") == [("Waiting", "MarketClosed")]
    assert dispatch.broker.questions == ["conId 265598", "conId 265598"]


async def test_hours_that_could_not_be_asked_again_are_not_trusted_for_long(
    dispatch: DispatchWorld,
) -> None:
    dispatch.time.advance(-6 * 3600)
    await dispatch.order("a")
    await dispatch.dispatch()
    dispatch.broker.mute = {"AAPL"}
    dispatch.time.advance(6 * 3600)
    await dispatch.dispatch()
    assert dispatch.placed == []
    dispatch.broker.give_up()
    dispatch.broker.mute = set()
    await dispatch.answers()
    dispatch.time.advance(5)
    await dispatch.dispatch()
    assert dispatch.placed == ["a"]


@pytest.mark.parametrize(
    ("hours", "until"),
    [
        pytest.param("20261123:0930-20261123:1600", (23, 21), id="heard the same day"),
        pytest.param("20261123:CLOSED;20261124:0930-20261124:1600", (24, 21), id="a day off"),
        pytest.param("20261124:0930-20261124:1600", (24, 17), id="heard on Tuesday only"),
        pytest.param("20261124:0930-20261124:1100", (24, 16), id="an early close on Tuesday"),
    ],
)
async def test_an_orders_validity_is_its_first_session_and_never_a_later_one(
    dispatch: DispatchWorld, hours: str, until: tuple[int, int]
) -> None:
    dispatch.broker.hours = hours
    await dispatch.order("a")
    await dispatch.dispatch()
    day, hour = until
    assert (await dispatch.stored("a")).valid_until == datetime(2026, 11, day, hour, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "reason", [GateReason.RESTART_WINDOW, GateReason.SUSPENDED, GateReason.CLOCK_SKEW], ids=str
)
async def test_hours_are_learnt_while_the_gate_is_held(
    dispatch: DispatchWorld, reason: GateReason
) -> None:
    dispatch.gate = Closed(reason, "held")
    await dispatch.order("a", replace(TERMS, contract=Contract(0, "AAPL")))
    await dispatch.dispatch()
    await dispatch.dispatch()
    order = await dispatch.stored("a")
    assert (order.state, order.reason, order.terms.contract) == ("Waiting", reason, AAPL)
    assert order.valid_until == datetime(2026, 11, 23, 21, 0, tzinfo=UTC)
    assert dispatch.broker.questions == ["AAPL"]


@pytest.mark.parametrize(
    "reason",
    [GateReason.NO_NEWS, LoginState.SESSION_CONFLICT, LoginState.CONNECTION_LOST],
    ids=str,
)
async def test_nothing_is_asked_of_a_gateway_that_may_not_be_logged_in(
    dispatch: DispatchWorld, reason: GateReason | LoginState
) -> None:
    dispatch.gate = Closed(reason, "closed")
    await dispatch.order("a")
    await dispatch.dispatch()
    assert dispatch.broker.questions == []


async def test_nothing_is_asked_of_a_connection_without_proof(dispatch: DispatchWorld) -> None:
    dispatch.gate = Closed(GateReason.RESTART_WINDOW, "closed")
    dispatch.connection.link_lost("1100")
    await dispatch.order("a")
    await dispatch.dispatch()
    assert dispatch.broker.questions == []


@pytest.mark.parametrize(
    "terms",
    [replace(TERMS, account="DU9"), replace(TERMS, contract=Contract(0, "NOPE"))],
    ids=["account", "contract"],
)
async def test_nothing_is_rejected_while_the_gate_is_closed(
    dispatch: DispatchWorld, terms: OrderTerms
) -> None:
    dispatch.gate = Closed(GateReason.UNEXPECTED_ACCOUNT, "another login")
    await dispatch.order("a", terms)
    await dispatch.dispatch()
    await dispatch.dispatch()
    assert await dispatch.states("a") == [("Waiting", "UnexpectedAccount")]
