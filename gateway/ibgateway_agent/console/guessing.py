"""Whose wrong guesses are counted together: never a stranger's with those of the owner.

Three kinds of people are told apart, by nothing that they could claim:

- a browser that has shown the right password before, by a random cookie that opens nothing;
- who comes through a port-forward, from loopback: that needs the right to port-forward;
- all others, by the address that the connection comes from. A proxy's people are one source, since no header is believed.
"""

import ipaddress
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from ibgateway_agent.console.limit import FailureLimit

ELSEWHERE: Final = 15
"""Wrong guesses a minute of all strangers' addresses together: whoever has many addresses has no more."""
MOST_SOURCES: Final = 256
MOST_BROWSERS: Final = 64
COOKIE: Final = "ibgateway-console-browser"
COOKIE_SECONDS: Final = 30 * 24 * 3600
_BROWSER: Final = re.compile(r"[A-Za-z0-9_-]{22}")
_LOOPBACK: Final = "loopback"


@dataclass(frozen=True, slots=True)
class Guesser:
    """Who knocks: the address, and the browser's cookie (empty: none)."""

    address: str
    browser: str = ""


@dataclass(frozen=True, slots=True)
class GuesserKind:
    """Whose limits count; `shared`: those of all strangers together count as well."""

    name: str
    shared: bool


def new_browser() -> str:
    """A browser's name for itself; it opens nothing."""
    return secrets.token_urlsafe(16)


def guesser(remote: str | None, cookies: Mapping[str, str]) -> Guesser:
    """Who comes from this address with these cookies; a cookie that we did not make is none."""
    browser = cookies.get(COOKIE, "")
    return Guesser(_source(remote or ""), browser if _BROWSER.fullmatch(browser) else "")


def _source(remote: str) -> str:
    """Loopback in one word; of IPv6 the network, which one machine has as a whole."""
    try:
        address = ipaddress.ip_address(remote.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        address = address.ipv4_mapped or address
    if address.is_loopback:
        return _LOOPBACK
    if address.version == 6:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


class GuesserLimit:
    """What one guesser may still do: each of `limits` must have room."""

    def __init__(self, limits: tuple[FailureLimit, ...], know: Callable[[], None]) -> None:
        self._limits = limits
        self._know = know

    def charge(self, now: float) -> bool:
        """Charge one attempt before it is judged; False (and nothing charged) where one limit is full."""
        for place, limit in enumerate(self._limits):
            if not limit.charge(now):
                for charged in self._limits[:place]:
                    charged.give_back(now)
                return False
        return True

    def give_back(self, charged_at: float) -> None:
        """The attempt was right."""
        for limit in self._limits:
            limit.give_back(charged_at)

    def right_password(self) -> None:
        """From now on this browser's guesses are counted by themselves."""
        self._know()


class GuessLimits:
    """The limits of everybody who has knocked lately. Only this process' memory: a restart forgets the browsers."""

    def __init__(self) -> None:
        self._elsewhere = FailureLimit(ELSEWHERE)
        self._limits: dict[str, FailureLimit] = {}
        self._browsers: dict[str, FailureLimit] = {}

    def counted_as(self, who: Guesser) -> GuesserKind:
        """Whose limits count for them."""
        if who.browser in self._browsers:
            return GuesserKind(f"browser {who.browser}", shared=False)
        return GuesserKind(who.address, shared=who.address != _LOOPBACK)

    def budget(self, who: Guesser, now: float) -> GuesserLimit:
        """What they may still do."""
        counted = self.counted_as(who)
        own = self._browsers.get(who.browser) or self._limit(counted.name, now)
        limits = (own, self._elsewhere) if counted.shared else (own,)
        return GuesserLimit(limits, lambda: self._knows(who.browser))

    def _limit(self, source: str, now: float) -> FailureLimit:
        if len(self._limits) >= MOST_SOURCES:
            self._limits = {name: kept for name, kept in self._limits.items() if kept.used(now)}
        return self._limits.setdefault(source, FailureLimit())

    def _knows(self, browser: str) -> None:
        """The one that was let in last stays longest."""
        if not browser:
            return
        kept = self._browsers.pop(browser) if browser in self._browsers else FailureLimit()
        self._browsers[browser] = kept
        while len(self._browsers) > MOST_BROWSERS:
            self._browsers.pop(next(iter(self._browsers)))
