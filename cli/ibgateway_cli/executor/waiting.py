"""What waits at an executor, for what, and what a person can do about it. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ibgateway_api.advice import LOGIN_ADVICE
from ibgateway_api.executor_documents import GateDocument, OrderDocument, PauseDocument
from ibgateway_api.login import LoginState
from ibgateway_api.rebalance_documents import RebalanceDocument
from ibgateway_cli.executor.cells import columns, moment, state, why, words
from ibgateway_cli.executor.order_tables import one_line

IN_DOUBT: Final = frozenset({"Unknown", "Unverified"})
QUEUED: Final = ("Accepted", "Waiting", "Sending", "Unknown", "Unverified")
"""States of what has not left, is just leaving, or may have left."""

NEXT_STEPS: Final[Mapping[str, str]] = {
    "Paused": "kubectl ibgateway pause --end, once trading may go on",
    "MarketClosed": "nothing: it leaves when the market opens, if validUntil allows; or cancel it",
    "NotBefore": "nothing: it may leave from then on; or cancel it",
    "CutOffPassed": "nothing, if it may wait for the next auction; or cancel it",
    "HoursUnknown": "nothing is sent on a guess: look at the executor's log, or cancel it",
    "ContractUnresolved": "IBKR is asked again at least each minute; look at the executor's log if it lasts",
    "NoPrice": "IBKR is asked again; without market data give a buy a limit price",
    "PositionUnknown": "IBKR is asked again; look at the executor's log if it lasts",
    "PositionTooSmall": "cancel it, or the order that sells the same shares",
    "DailyOrderLimit": "raise spec.executor.limits.maxOrdersPerDay, or cancel it",
    "ValidityEnded": "it expires once IBKR's time is known: place another one if it is still wanted",
    "OneAtATime": "nothing: it is next",
    "BehindEarlierOrder": "nothing: orders of an account and contract go first in, first out",
    "ReplacedOrderWorks": "nothing: it leaves once the order that it replaces has ended",
    "ActiveOrderLimit": "cancel one of the 20 that IBKR has for this contract, side and account",
    "BehindUnknownOrder": "resolve the earlier order, see below",
    "UnknownOrder": "resolve the order in doubt, see below",
    "AwaitingSettlement": "nothing: it buys once what it sold is settled",
    "BrokerSilent": "IBKR is asked again in seconds; look at the executor's log if it lasts",
}
"""What to do about what an order or a rebalance waits for."""

_GATE_STEPS: Final[Mapping[str, str]] = {
    "NoNews": "look at the gateway's pod: its sentinel is not heard",
    "RestartWindow": "approve the week's push when it comes, or ask for it: kubectl ibgateway login",
    "PlannedStop": "nothing: it goes on after the restart",
    "NightlyRestart": "nothing: the gateway restarts without a push, within minutes",
    "HandedOver": "kubectl ibgateway handover --end, once you are done with the login; vnc where it was taken at the console",
    "Suspended": "kubectl ibgateway resume, which says what coming back costs",
    "Paused": NEXT_STEPS["Paused"],
    "UnexpectedAccount": "correct the credentials, or spec.executor.accounts",
    "ReadOnlyApi": "set spec.gateway.readOnlyApi to false",
    "ClockSkew": "set the node's clock right (NTP)",
    "NotReconciled": "nothing: IBKR is being asked what became of the orders",
    "LedgerUnavailable": "free or enlarge the ledger's volume, or bring its database back",
    "Held": "upgrade the operator and the executor",
}


class WaitingView(NamedTuple):
    """All of it, at one moment; `working` orders are at IBKR and wait for the market alone."""

    gate: GateDocument
    pause: PauseDocument
    orders: Sequence[OrderDocument]
    rebalances: Sequence[RebalanceDocument]
    working: int

    def document(self) -> dict[str, Any]:
        """For programs."""
        return {
            "gate": self.gate.model_dump(mode="json", by_alias=True),
            "pause": self.pause.model_dump(mode="json", by_alias=True),
            "orders": [order.model_dump(mode="json", by_alias=True) for order in self.orders],
            "rebalances": [run.model_dump(mode="json", by_alias=True) for run in self.rebalances],
            "workingAtBroker": self.working,
        }


def waiting_page(view: WaitingView) -> RenderableType:
    """The gate and why, what waits and for what, and what to do."""
    parts: list[RenderableType] = [_gate_line(view.gate)]
    if view.pause.paused:
        parts.append(_pause_line(view.pause))
    if view.orders:
        parts += ["", _orders(view.orders)]
    if view.rebalances:
        parts += ["", _rebalances(view.rebalances)]
    if not view.orders and not view.rebalances:
        parts += ["", "Nothing waits."]
    parts.append(f"{view.working} working at IBKR." if view.working else "No order works at IBKR.")
    if steps := list(_steps(view)):
        parts += ["", *steps]
    return Group(*parts)


def gate_step(reason: str) -> str:
    """What to do about a closed gate, by its reason."""
    if reason in _GATE_STEPS:
        return _GATE_STEPS[reason]
    return LOGIN_ADVICE[LoginState(reason)] if reason in set(LoginState) else ""


def resolve_line(order_id: str) -> str:
    """How a person says what became of an order in doubt."""
    return f'kubectl ibgateway resolve {order_id} found|not-at-broker|give-up --note "..."'


def _gate_line(gate: GateDocument) -> Text:
    if gate.open:
        return Text("Gate: open. An order sent now goes to IBKR at once.", style="green")
    return Text("Gate: closed. ", style="red").append_text(why(gate.reason, gate.message))


def _pause_line(pause: PauseDocument) -> Text:
    said = f"Paused by {pause.by} since {moment(pause.since)}: {pause.reason}."
    left = f" {pause.unacknowledged} on their way yet." if pause.unacknowledged else ""
    return words(said + left)


def _orders(orders: Iterable[OrderDocument]) -> Table:
    table = columns("ORDER", "WHAT", "STATE", "WAITS FOR", "VALID UNTIL")
    for order in orders:
        table.add_row(
            words(order.id),
            words(one_line(order)),
            state(order.state),
            why(order.reason, order.message),
            moment(order.valid_until),
        )
    return table


def _rebalances(runs: Iterable[RebalanceDocument]) -> Table:
    table = columns("REBALANCE", "ACCOUNT", "STATE", "WAITS FOR", "UNTIL")
    for run in runs:
        table.add_row(
            words(run.id),
            words(run.account),
            state(run.state),
            why(run.reason, run.message),
            moment(run.until),
        )
    return table


def _steps(view: WaitingView) -> Iterator[Text]:
    """One line for each reason, and one for each order in doubt."""
    if not view.gate.open and (step := gate_step(view.gate.reason)):
        yield _step(view.gate.reason, step)
    waits = [order.reason for order in view.orders if order.state not in IN_DOUBT]
    for reason in dict.fromkeys([*waits, *(run.reason for run in view.rebalances)]):
        if reason != view.gate.reason and reason in NEXT_STEPS:
            yield _step(reason, NEXT_STEPS[reason])
    for order in view.orders:
        if order.state in IN_DOUBT:
            yield words(
                f"Look for {order.order_ref} in IBKR's own screens, then say what you found:"
            )
            yield words(f"  {resolve_line(order.id)}")


def _step(reason: str, step: str) -> Text:
    return words(f"{reason}: {step}.")
