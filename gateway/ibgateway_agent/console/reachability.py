"""Finds out whether NetworkPolicies are enforced here: the console must not reach the API's port.

One try proves little, so each is weighed against a control, the VNC port that policies allow:

- the API port accepts: nothing keeps us out; policies are not enforced;
- it is silent, or a router forbids it, while the control accepts: policies are enforced;
- it refuses: no answer. Nobody may listen (the gateway is starting, its Service has no endpoints),
  and some network plugins refuse instead of dropping;
- all else (no name, no control, the gateway is down): no answer.

Two equal answers in a row are needed, because plugins program a new pod's rules a moment after its
start. Once known, an answer stands until two others contradict it: a stopped gateway proves nothing.
"""

import asyncio
import errno
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ibgateway_agent.console.settings import Address

TRY_SECONDS: Final = 3.0
CONFIRM_SECONDS: Final = 5.0
UNKNOWN_SECONDS: Final = 10.0
SETTLED_SECONDS: Final = 60.0

_FORBIDDEN: Final = {errno.EACCES, errno.EPERM, errno.EHOSTUNREACH, errno.ENETUNREACH}
_LOG: Final = logging.getLogger(__name__)


class Outcome(StrEnum):
    """What one attempt to connect gave."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    FORBIDDEN = "forbidden"
    SILENT = "silent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Belief:
    """What is known (None: not yet) and what one try suggested but none has confirmed."""

    enforced: bool | None = None
    suspected: bool | None = None

    @property
    def wait_seconds(self) -> float:
        """How long until the next try."""
        if self.suspected is not None:
            return CONFIRM_SECONDS
        return UNKNOWN_SECONDS if self.enforced is None else SETTLED_SECONDS


def verdict(*, api: Outcome, control: Outcome) -> bool | None:
    """What one pair of attempts says about enforcement; None: nothing."""
    if api is Outcome.ACCEPTED:
        return False
    if api in {Outcome.SILENT, Outcome.FORBIDDEN} and control is Outcome.ACCEPTED:
        return True
    return None


def learn(belief: Belief, *, news: bool | None) -> Belief:
    """The belief after one more verdict."""
    if news is None or news == belief.enforced:
        return Belief(belief.enforced)
    if news == belief.suspected:
        return Belief(news)
    return Belief(belief.enforced, suspected=news)


async def try_connect(address: Address, seconds: float = TRY_SECONDS) -> Outcome:
    """Opens a connection and closes it at once."""
    try:
        async with asyncio.timeout(seconds):
            _, writer = await asyncio.open_connection(address.host, address.port)
    except TimeoutError:
        return Outcome.SILENT
    except ConnectionRefusedError:
        return Outcome.REFUSED
    except OSError as error:
        return Outcome.FORBIDDEN if error.errno in _FORBIDDEN else Outcome.UNKNOWN
    writer.close()
    return Outcome.ACCEPTED


@dataclass(frozen=True, slots=True)
class Watch:
    """Tries now and then and tells each new belief."""

    api: Address
    control: Address
    tell: Callable[[Belief], None]
    connect: Callable[[Address], Awaitable[Outcome]] = try_connect
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def run(self) -> None:
        """Tries for ever: at once, then after the wait that the belief asks for."""
        belief = Belief()
        while True:
            news = await self._ask(belief)
            learned = learn(belief, news=news)
            if learned.enforced != belief.enforced:
                _LOG.info("network policies enforced: %s", learned.enforced)
            belief = learned
            self.tell(belief)
            await self.sleep(belief.wait_seconds)

    async def _ask(self, belief: Belief) -> bool | None:
        """The control is disturbed only while it can change what is known: x11vnc logs each visit."""
        api = await self.connect(self.api)
        if api is Outcome.ACCEPTED or belief.enforced is True:
            return verdict(api=api, control=Outcome.UNKNOWN)
        return verdict(api=api, control=await self.connect(self.control))
