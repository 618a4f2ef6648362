"""Contracts as the broker knows them: numbers and trading hours, asked in the background and kept."""

import re
from collections.abc import Hashable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from ibgateway_executor.broker.lookups import Lookups
from ibgateway_executor.broker.protocol import Broker, Candidate
from ibgateway_executor.orders.market_hours import (
    HoursUnknown,
    Market,
    MarketClosed,
    MarketOpen,
    first_day,
    market,
    session_end,
    sessions,
)
from ibgateway_executor.orders.order import Contract, Order, OrderReason, OrderTerms
from ibgateway_executor.orders.windows import ContractHours, Window, market_for, window
from ibgateway_executor.wakeup import Wakeup
from ibgateway_runtime.clock import Clock

FRESH_SECONDS: Final = 3600.0
"""Hours are asked again this often: IBKR announces early closes during the day."""
LAST_SESSION_SECONDS: Final = 900.0
"""And this often where no further session is known."""
USABLE_SECONDS: Final = FRESH_SECONDS + 300.0
"""Hours that are being asked again count for this long; older ones send nothing."""
UNRESOLVABLE_SECONDS: Final = 15.0
"""That no contract fits, or several do, is believed for this long."""
_MULTIPLIER: Final = re.compile(r"([1-9][0-9]{0,8}(\.[0-9]{1,6})?)?")
SHOWN: Final = 10
"""So many of the contracts that fit are told to a client."""
SUPPORTED: Final = frozenset(
    {"STK", "CASH", "CFD", "CMDTY", "CRYPTO", "FUND", "FUT", "FOP", "OPT", "WAR"}
)
"""secTypes whose price times quantity times multiplier is their value; of a BOND it is not, and IND and BAG are no single contract to trade."""


@dataclass(frozen=True)
class Unresolvable:
    """No contract, or more than one, fits: the order can't be sent as it is."""

    reason: OrderReason
    message: str


@dataclass(frozen=True)
class _Answer:
    found: tuple[Candidate, ...]
    at: float


@dataclass(frozen=True)
class _Known:
    hours: ContractHours
    at: float
    since: datetime | None = None
    """The regular hours name every session from here on."""
    trading_since: datetime | None = None
    """And all hours from here on."""


class Contracts:
    """Contracts by the question they answer, hours by contract number. `changed`: there is news."""

    def __init__(self, clock: Clock, changed: Wakeup) -> None:
        self._clock = clock
        self._known: dict[int, _Known] = {}
        self._answers: dict[Contract, _Answer] = {}
        self._lookups = Lookups[Contract, tuple[Candidate, ...]](
            ask=lambda broker, question: broker.candidates(question),
            keep=self._keep,
            clock=clock,
            changed=changed,
        )

    def refresh(self, broker: Broker, named: Contract) -> None:
        """Have the broker asked about the contract where what is known of it is missing or old."""
        question = _question(named)
        if self._stale(question):
            self._lookups.want(broker, question)

    def asking(self, named: Contract) -> bool:
        """Whether the broker is being asked, and nothing that can be used is known meanwhile."""
        question = _question(named)
        return self._lookups.running(question) and not self._usable(question)

    def failure(self, named: Contract) -> str:
        """Why the broker has told nothing of use; empty where it has, or was not asked yet."""
        return self._lookups.failure(_question(named))

    def standing(self, named: Contract) -> Hashable:
        """Differs where something else is known of the contract, or is being done about it, than before."""
        question = _question(named)
        answer = self._answers[question].at if self._found(question) is not None else None
        return answer, self._lookups.running(question), self._lookups.failure(question)

    def resolve(self, named: Contract) -> Contract | Unresolvable | None:
        """The contract with its number, as the broker describes it; None where that isn't known."""
        found = self._found(_question(named))
        if found is None:
            return None
        if not found and named.con_id and named.symbol:
            return None  # it may have been proven before: its hours say that it is gone
        return _unresolvable(named, found) or replace(found[0].contract, exchange=named.exchange)

    async def candidates(self, broker: Broker, named: Contract) -> tuple[Candidate, ...]:
        """What fits, as the broker has told it lately or tells it now; kept for orders too. Any BrokerError."""
        question = _question(named)
        if self._stale(question):
            self._keep(question, await broker.candidates(question))
        return self._answers[question].found

    def market(self, terms: OrderTerms) -> Market:
        """Whether the contract's market takes an order with these terms now."""
        hours = self._hours(terms.contract.con_id)
        if isinstance(hours, HoursUnknown):
            return hours
        return market_for(terms, hours, self._clock.now())

    def _hours(self, con_id: int) -> ContractHours | HoursUnknown:
        known = self._known.get(con_id)
        if known is None:
            return HoursUnknown("the trading hours have not been asked for yet")
        if self._clock.monotonic() - known.at >= USABLE_SECONDS:
            return HoursUnknown("the trading hours are too old and are being asked again")
        return known.hours

    def _regular(self, con_id: int) -> Market:
        hours = self._hours(con_id)
        if isinstance(hours, HoursUnknown):
            return hours
        liquid = hours.liquid
        return liquid if isinstance(liquid, HoursUnknown) else market(liquid, self._clock.now())

    def closes(self) -> datetime | None:
        """The first end of the sessions that run now, of all contracts whose hours are known."""
        now = self._clock.now()
        liquid = (k.hours.liquid for k in self._known.values())
        running = (market(known, now) for known in liquid if not isinstance(known, HoursUnknown))
        return min((m.end for m in running if isinstance(m, MarketOpen)), default=None)

    def validity_end(self, order: Order) -> datetime | None:
        """End of the first session at or after the moment from which an order may be sent; None when not known.

        Hours that begin after its acceptance may lack that session: they never extend its validity.
        """
        known = self._known.get(order.terms.contract.con_id)
        if known is None:
            return None
        wanted = window(order.terms)
        hours = known.hours.of(wanted)
        since = known.trading_since if wanted is Window.EXTENDED else known.since
        if isinstance(hours, HoursUnknown) or since is None:
            return None
        end = session_end(hours, order.begins_at)
        if end is None or order.accepted_at >= since:
            return end
        return min(end, order.valid_until)

    def _found(self, question: Contract) -> tuple[Candidate, ...] | None:
        answer = self._answers.get(question)
        if answer is None:
            return None
        limit = USABLE_SECONDS if len(answer.found) == 1 else UNRESOLVABLE_SECONDS
        return answer.found if self._clock.monotonic() - answer.at < limit else None

    def _usable(self, question: Contract) -> bool:
        found = self._found(question)
        if not found:
            return found is not None
        return not isinstance(self._regular(found[0].contract.con_id), HoursUnknown)

    def _stale(self, question: Contract) -> bool:
        answer = self._answers.get(question)
        if answer is None or len(answer.found) != 1:
            return self._found(question) is None
        return self._clock.monotonic() - answer.at >= self._fresh(answer.found[0].contract.con_id)

    def _fresh(self, con_id: int) -> float:
        """How old the answer may be. Hours that can't be read have the lookups' back-off alone."""
        now = self._regular(con_id)
        if isinstance(now, HoursUnknown):
            return 0.0
        if isinstance(now, MarketClosed) and now.opens is None:
            return LAST_SESSION_SECONDS
        return FRESH_SECONDS

    def _keep(self, question: Contract, found: tuple[Candidate, ...]) -> bool:
        found = tuple({candidate.contract.con_id: candidate for candidate in found}.values())
        answer = _Answer(found, self._clock.monotonic())
        self._answers[question] = answer
        if len(found) != 1:
            if question.con_id:
                gone = HoursUnknown(_GONE)
                self._known[question.con_id] = _Known(ContractHours(gone, gone), answer.at)
            return True
        candidate = found[0]
        named = replace(candidate.contract, exchange=question.exchange)
        self._answers[_question(named)] = answer
        self._known[named.con_id] = known = _known(candidate, answer.at)
        return not isinstance(known.hours.liquid, HoursUnknown)


def _unresolvable(named: Contract, found: tuple[Candidate, ...]) -> Unresolvable | None:
    """Why what fits is not one contract that can be traded as it was named."""
    if not found:
        return Unresolvable(
            OrderReason.UNKNOWN_CONTRACT,
            f"the broker knows no contract {named}: check conId, symbol, exchange and currency",
        )
    if len(found) > 1:
        return Unresolvable(
            OrderReason.AMBIGUOUS_CONTRACT,
            f"{len(found)} contracts fit {named}: name one by conId or primaryExchange: {_listed(found)}",
        )
    contract = found[0].contract
    if contract.sec_type not in SUPPORTED or not _MULTIPLIER.fullmatch(contract.multiplier):
        return Unresolvable(
            OrderReason.UNSUPPORTED_CONTRACT,
            f"{contract} is {contract.sec_type or 'of no secType'} with the multiplier "
            f"{contract.multiplier or '1'!r}: orders are for {', '.join(sorted(SUPPORTED))}",
        )
    if differences_found := differences(named, contract):
        return Unresolvable(
            OrderReason.CONTRADICTING_CONTRACT,
            f"conId {contract.con_id} is {contract.symbol}, and the order says otherwise: "
            f"{differences_found}: name what you mean by conId alone, or correct it",
        )
    return None


def _known(candidate: Candidate, at: float) -> _Known:
    zone = candidate.time_zone_id
    hours = ContractHours(
        sessions(candidate.liquid_hours, zone), sessions(candidate.trading_hours, zone)
    )
    return _Known(
        hours,
        at,
        None if isinstance(hours.liquid, HoursUnknown) else first_day(candidate.liquid_hours, zone),
        None
        if isinstance(hours.trading, HoursUnknown)
        else first_day(candidate.trading_hours, zone),
    )


def _listed(found: tuple[Candidate, ...]) -> str:
    """The first of the contracts that fit, so that a client can choose."""
    shown = [_described(candidate.contract) for candidate in found[:SHOWN]]
    more = [f"and {len(found) - SHOWN} more"] if len(found) > SHOWN else []
    return "; ".join([*shown, *more])


def _described(contract: Contract) -> str:
    words = (contract.symbol, contract.sec_type, contract.primary_exchange or contract.exchange)
    return " ".join([f"conId {contract.con_id}", *(w for w in words if w), contract.currency])


def _question(named: Contract) -> Contract:
    """By number alone where it is known: a currency that differs would find nothing."""
    if not named.con_id:
        return named
    return Contract(con_id=named.con_id, sec_type="", exchange=named.exchange, currency="")


def differences(named: Contract, found: Contract) -> str:
    """What a client said beside the number, and is not so; what it left out is empty."""
    if not named.con_id:
        return ""
    said = {
        "symbol": (named.symbol, found.symbol),
        "secType": (named.sec_type, found.sec_type),
        "currency": (named.currency, found.currency),
    }
    return ", ".join(
        f"{field} {mine} (it is {theirs})"
        for field, (mine, theirs) in said.items()
        if mine and mine.casefold() != theirs.casefold()
    )


_GONE: Final = "the broker does not know the contract, or not any more"
