"""Finds out whether NetworkPolicies are enforced here: the console must not reach the API's port.

One try proves little, so each is weighed against a control, the VNC port that policies allow:

- the API port accepts: nothing keeps us out; policies are not enforced;
- it is silent, or a router forbids it, while the control accepts: policies are enforced;
- it refuses: no answer. Nobody may listen (the gateway is starting), and some network plugins
  refuse instead of dropping. Then two ports of the sentinel tell, which listen before any login:
  its metrics, which the console's policy leaves out, and its API, which the policy lets through;
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

from ibgateway_agent.console.settings import TcpAddress
from ibgateway_api import names

TRY_SECONDS: Final = 3.0
CONFIRM_SECONDS: Final = 5.0
UNKNOWN_SECONDS: Final = 10.0
SETTLED_SECONDS: Final = 60.0

_FORBIDDEN: Final = {errno.EACCES, errno.EPERM, errno.EHOSTUNREACH, errno.ENETUNREACH}
logger = logging.getLogger(__name__)


class ConnectOutcome(StrEnum):
    """What one attempt to connect gave."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    FORBIDDEN = "forbidden"
    SILENT = "silent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class PolicyObservation:
    """What is known (None: not yet) and what one try suggested but none has confirmed."""

    enforced: bool | None = None
    suspected: bool | None = None

    @property
    def wait_seconds(self) -> float:
        """How long until the next try."""
        if self.suspected is not None:
            return CONFIRM_SECONDS
        return UNKNOWN_SECONDS if self.enforced is None else SETTLED_SECONDS


def verdict(*, api: ConnectOutcome, control: ConnectOutcome) -> bool | None:
    """What one pair of attempts says about enforcement; None: nothing."""
    if api is ConnectOutcome.ACCEPTED:
        return False
    if (
        api in {ConnectOutcome.SILENT, ConnectOutcome.FORBIDDEN}
        and control is ConnectOutcome.ACCEPTED
    ):
        return True
    return None


def learn(known: PolicyObservation, *, said: bool | None) -> PolicyObservation:
    """What is known after one more verdict."""
    if said is None or said == known.enforced:
        return PolicyObservation(known.enforced)
    if said == known.suspected:
        return PolicyObservation(said)
    return PolicyObservation(known.enforced, suspected=said)


async def try_connect(address: TcpAddress, seconds: float = TRY_SECONDS) -> ConnectOutcome:
    """Opens a connection and closes it at once."""
    try:
        async with asyncio.timeout(seconds):
            _, writer = await asyncio.open_connection(address.host, address.port)
    except TimeoutError:
        return ConnectOutcome.SILENT
    except ConnectionRefusedError:
        return ConnectOutcome.REFUSED
    except OSError as error:
        return ConnectOutcome.FORBIDDEN if error.errno in _FORBIDDEN else ConnectOutcome.UNKNOWN
    writer.close()
    return ConnectOutcome.ACCEPTED


def before_login(api: TcpAddress) -> tuple[TcpAddress, TcpAddress]:
    """The sentinel's port that policies keep the console from, and the one they allow, beside the API."""
    return (
        TcpAddress(api.host, names.PORT_SENTINEL_METRICS),
        TcpAddress(api.host, names.PORT_SENTINEL),
    )


@dataclass(frozen=True, slots=True)
class PolicyWatch:
    """Tries now and then, and hands what is known to `publish` after each try.

    `before_login` is asked as long as nothing is known and nobody listens at the API port.
    """

    api: TcpAddress
    control: TcpAddress
    publish: Callable[[PolicyObservation], None]
    connect: Callable[[TcpAddress], Awaitable[ConnectOutcome]] = try_connect
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    before_login: tuple[TcpAddress, TcpAddress] | None = None

    async def run(self) -> None:
        """Tries for ever: at once, then after the wait that the observation asks for."""
        known = PolicyObservation()
        while True:
            learned = learn(known, said=await self._ask(known))
            if learned.enforced != known.enforced:
                logger.info("network policies enforced: %s", learned.enforced)
            known = learned
            self.publish(known)
            await self.sleep(known.wait_seconds)

    async def _ask(self, known: PolicyObservation) -> bool | None:
        """The control is disturbed only while it can change what is known: x11vnc logs each visit."""
        api = await self.connect(self.api)
        if api is ConnectOutcome.ACCEPTED or known.enforced is True:
            return verdict(api=api, control=ConnectOutcome.UNKNOWN)
        if api is ConnectOutcome.REFUSED and self.before_login is not None:
            forbidden, control = self.before_login
            out = await self.connect(forbidden)
            return verdict(api=out, control=await self.connect(control))
        return verdict(api=api, control=await self.connect(self.control))
