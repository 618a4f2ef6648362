"""What an order is given before it may be sent: account, contract, hours."""

from dataclasses import replace

import pytest

from executor_fakes import AAPL, TERMS, DispatchWorld
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
    ],
)
async def test_a_contract_must_be_exactly_one(
    dispatch: DispatchWorld, named: Contract, known: tuple[Contract, ...], state: tuple[str, str]
) -> None:
    dispatch.broker.known = known
    await dispatch.order("a", replace(TERMS, contract=named))
    await dispatch.dispatch()
    assert await dispatch.states("a") == [state]


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
    accepted = await dispatch.stored("a")
    await dispatch.ledger.advance("a", cancel)
    assert await dispatch.preparation.prepare(dispatch.broker, [accepted]) == {}
    assert await dispatch.states("a") == [("Cancelled", "CancelledByClient")]
