"""Contracts as the broker knows them: numbers and trading hours, asked in the background and kept."""

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
    TradingSession,
    first_day,
    market,
    session_end,
    sessions,
)
from ibgateway_executor.orders.order import Contract, OrderReason
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
    hours: tuple[TradingSession, ...] | HoursUnknown
    at: float
    since: datetime | None = None
    """The hours name every session from here on."""


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
        if not found:
            return Unresolvable(
                OrderReason.UNKNOWN_CONTRACT,
                f"the broker knows no contract {named}: check conId, symbol, exchange and currency",
            )
        if len(found) > 1:
            return Unresolvable(
                OrderReason.AMBIGUOUS_CONTRACT,
                f"{len(found)} contracts fit {named}: name one by conId or primaryExchange",
            )
        contract = found[0].contract
        differences = _differences(named, contract)
        if differences:
            return Unresolvable(
                OrderReason.CONTRADICTING_CONTRACT,
                f"conId {contract.con_id} is {contract.symbol}, and the order says otherwise: "
                f"{differences}: name what you mean by conId alone, or correct it",
            )
        return replace(contract, exchange=named.exchange)

    def market(self, con_id: int) -> Market:
        """Whether the contract's market takes an order now."""
        known = self._known.get(con_id)
        if known is None:
            return HoursUnknown("the trading hours have not been asked for yet")
        if self._clock.monotonic() - known.at >= USABLE_SECONDS:
            return HoursUnknown("the trading hours are too old and are being asked again")
        if isinstance(known.hours, HoursUnknown):
            return known.hours
        return market(known.hours, self._clock.now())

    def closes(self) -> datetime | None:
        """The first end of the sessions that run now, of all contracts whose hours are known."""
        now = self._clock.now()
        hours = [k.hours for k in self._known.values() if not isinstance(k.hours, HoursUnknown)]
        running = (market(known, now) for known in hours)
        return min((m.end for m in running if isinstance(m, MarketOpen)), default=None)

    def validity_end(
        self, con_id: int, accepted_at: datetime, *, otherwise: datetime
    ) -> datetime | None:
        """End of the first session at or after an order's acceptance; None when not known.

        Hours that begin after the acceptance may lack that session: they never extend `otherwise`.
        """
        known = self._known.get(con_id)
        if known is None or isinstance(known.hours, HoursUnknown) or known.since is None:
            return None
        end = session_end(known.hours, accepted_at)
        return end if end is None or accepted_at >= known.since else min(end, otherwise)

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
        return not isinstance(self.market(found[0].contract.con_id), HoursUnknown)

    def _stale(self, question: Contract) -> bool:
        answer = self._answers.get(question)
        if answer is None or len(answer.found) != 1:
            return self._found(question) is None
        return self._clock.monotonic() - answer.at >= self._fresh(answer.found[0].contract.con_id)

    def _fresh(self, con_id: int) -> float:
        """How old the answer may be. Hours that can't be read have the lookups' back-off alone."""
        now = self.market(con_id)
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
                self._known[question.con_id] = _Known(HoursUnknown(_GONE), answer.at)
            return True
        candidate = found[0]
        named = replace(candidate.contract, exchange=question.exchange)
        self._answers[_question(named)] = answer
        hours = sessions(candidate.liquid_hours, candidate.time_zone_id)
        if isinstance(hours, HoursUnknown):
            self._known[named.con_id] = _Known(hours, answer.at)
            return False
        since = first_day(candidate.liquid_hours, candidate.time_zone_id)
        self._known[named.con_id] = _Known(hours, answer.at, since)
        return True


def _question(named: Contract) -> Contract:
    """By number alone where it is known: a currency that differs would find nothing."""
    if not named.con_id:
        return named
    return Contract(con_id=named.con_id, sec_type="", exchange=named.exchange, currency="")


def _differences(named: Contract, found: Contract) -> str:
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
