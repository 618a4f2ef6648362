"""What is interrupted: orders, or the rebalance of an account."""

import asyncio
import contextlib
from collections import Counter
from typing import Any, Final, Protocol

import aiohttp

from executor_world import ExecutorWorld

OVER: Final = frozenset({"Completed", "Stopped", "Cancelled", "Expired"})
SYMBOLS: Final = ("AAPL", "MSFT", "IBM", "NVDA", "AMZN", "TSLA", "SPY", "QQQ")
ORDERS_AT_ONCE: Final = 6
DOWN: Final = (aiohttp.ClientError, ConnectionError, TimeoutError)


class Story(Protocol):
    """Asked for again and again, in a world whose executor may be gone at any moment."""

    async def begin(self, here: ExecutorWorld) -> None:
        """Ask for the next one, once; what has had no answer is asked for again by `repeat`."""

    async def repeat(self, here: ExecutorWorld) -> None:
        """Ask again for whatever has had no answer."""

    async def over(self, here: ExecutorWorld) -> bool:
        """Whether everything that was asked for has been answered and has ended, beside the orders themselves."""

    async def violations(self, here: ExecutorWorld) -> list[str]:
        """What must not be in the end, beside what the judge of the orders sees."""

    def rows(self) -> list[tuple[str, int]]:
        """Figures of its own."""


class OrderStory:
    """Six orders at once in three lanes: two for each contract."""

    def __init__(self) -> None:
        self._number = 0
        self._answered: set[str] = set()
        self._unanswered: list[str] = []

    @property
    def asked(self) -> int:
        """Orders so far."""
        return len(self._answered) + len(self._unanswered)

    async def begin(self, here: ExecutorWorld) -> None:
        """The next six."""
        keys = [f"order-{self._number + n}" for n in range(ORDERS_AT_ONCE)]
        self._number += ORDERS_AT_ONCE
        await asyncio.gather(*(self._place(here, key) for key in keys))

    async def repeat(self, here: ExecutorWorld) -> None:
        """As a client does that has had no answer."""
        waiting, self._unanswered = self._unanswered, []
        for key in waiting:
            await self._place(here, key)

    async def over(self, _: ExecutorWorld) -> bool:
        """Each was answered."""
        return not self._unanswered

    async def violations(self, _: ExecutorWorld) -> list[str]:
        """None that the judge does not see."""
        return []

    def rows(self) -> list[tuple[str, int]]:
        """How many were acknowledged."""
        return [("orders acknowledged", len(self._answered))]

    async def _place(self, here: ExecutorWorld, key: str) -> None:
        number = int(key.rsplit("-", 1)[1])
        symbol = SYMBOLS[number // 2 % len(SYMBOLS)]
        with contextlib.suppress(*DOWN):
            status, _ = await here.place(key, contract={"symbol": symbol}, quantity=1)
            if status in (200, 201, 202):
                self._answered.add(key)
                return
        if key not in self._unanswered:
            self._unanswered.append(key)


class RebalanceStory:
    """The account changes between two sets of targets: each rebalance sells two contracts and buys two."""

    TARGETS: Final = (("AAPL", "MSFT"), ("IBM", "NVDA"))

    def __init__(self) -> None:
        self._number = 0
        self._ids: list[str] = []
        self._unanswered = ""
        self._states: Counter[str] = Counter()

    async def begin(self, here: ExecutorWorld) -> None:
        """The next one."""
        self._unanswered = f"rebalance-{self._number}"
        self._number += 1
        await self.repeat(here)

    async def repeat(self, here: ExecutorWorld) -> None:
        """The same request under the same key."""
        if not self._unanswered:
            return
        with contextlib.suppress(*DOWN):
            status, answer = await here.orders.ask(
                "POST",
                "/v1/rebalances",
                self._body(int(self._unanswered.rsplit("-", 1)[1])),
                {"Idempotency-Key": self._unanswered},
            )
            assert status in (200, 202, 409, 429, 503), answer
            if status in (200, 202):
                self._unanswered = ""
                if answer["id"] not in self._ids:
                    self._ids.append(answer["id"])

    async def over(self, here: ExecutorWorld) -> bool:
        """The last one has ended; those before it had."""
        if self._unanswered:
            return False
        last = await here.orders.get(f"/v1/rebalances/{self._ids[-1]}") if self._ids else None
        return last is None or last["state"] in OVER

    async def violations(self, here: ExecutorWorld) -> list[str]:
        """Each order of the ledger is one rebalance's, which has no contract and side twice; all have ended."""
        runs = [await here.orders.get(f"/v1/rebalances/{uid}") for uid in self._ids]
        self._states = Counter(f"{run['state']} {run['reason']}".strip() for run in runs)
        found = [
            f"rebalance {run['id']} is still {run['state']}"
            for run in runs
            if run["state"] not in OVER
        ]
        owned: Counter[str] = Counter()
        for run in runs:
            outcomes = run["report"]["orders"] if run["report"] else []
            owned.update(one["orderId"] for one in outcomes if one["orderId"])
            twice = Counter((one["symbol"], one["side"]) for one in outcomes)
            found += [
                f"rebalance {run['id']} has {what} {n} times" for what, n in twice.items() if n > 1
            ]
        orders = {order["id"] for order in await here.all_orders()}
        found += [f"order {uid} belongs to no rebalance" for uid in orders - owned.keys()]
        found += [f"order {uid} belongs to {n} rebalances" for uid, n in owned.items() if n > 1]
        return found

    def rows(self) -> list[tuple[str, int]]:
        """How they ended."""
        return [(f"rebalances {state}", number) for state, number in sorted(self._states.items())]

    def _body(self, number: int) -> dict[str, Any]:
        targets = [
            {"contract": {"symbol": symbol}, "weight": "0.01"}
            for symbol in self.TARGETS[number % len(self.TARGETS)]
        ]
        return {"targets": targets, "cashReservePercent": "10", "unsettled": "skip"}
