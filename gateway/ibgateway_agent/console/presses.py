"""Who may press a button: a person who has shown the VNC password, and the token where one is asked for.

Looking needs no more than the display's own password; a button may send a push, so the console itself checks the
password here, whether or not there is a screen. What it gives for that is a random key that lives in the page's memory:
no cookie, so that no other page can use it. A key is over after some idle minutes, with the password or the token that it
was given for, and with the console's process.
"""

import hmac
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from ibgateway_agent.console.endings import (
    DOCUMENTED_PASSWORD,
    PASSWORD_REFUSED,
    TOKEN_REFUSED,
    TOO_MANY_FAILURES,
)
from ibgateway_agent.console.errors import SessionEndedError
from ibgateway_agent.console.guard import token_matches
from ibgateway_agent.console.guessing import Guesser, GuessLimits
from ibgateway_agent.console.limit import FailureLimit
from ibgateway_api import names
from ibgateway_runtime.http_client import Endpoint

IDLE_SECONDS: Final = 900.0
"""A key that was not used for so long is over: whoever comes back shows the password again."""
MOST_KEYS: Final = 16
"""The oldest goes for a new one."""
VNC_LENGTH: Final = 8
"""Characters of a password that count at the display."""
PRESSES: Final = 10
"""In a minute, of all who press."""


@dataclass
class ButtonKeys:
    """Who has shown the password lately. Both secrets are read anew each time; an empty one opens nothing.

    `sentinel`: where what is asked for goes. `token` None: only the password is asked for. `limits` are those that
    guesses at the display are counted in. `policies_proven`: whether the cluster is known to keep other pods away.
    """

    sentinel: Callable[[], Endpoint]
    password: Callable[[], bytes]
    token: Callable[[], bytes] | None
    limits: GuessLimits
    monotonic: Callable[[], float]
    policies_proven: Callable[[], bool]
    presses: FailureLimit = field(default_factory=lambda: FailureLimit(PRESSES))
    _used: dict[str, float] = field(default_factory=dict)
    _shown: tuple[bytes, bytes] = (b"", b"")
    """What all of these keys were given for."""

    def withheld(self) -> bool:
        """Whether what a person could show is known to every pod that may reach the page."""
        documented = self.password()[:VNC_LENGTH] == names.DEFAULT_VNC_PASSWORD.encode()
        return self.token is None and documented and not self.policies_proven()

    def open(self, password: str, protocols: Sequence[str], who: Guesser) -> str:
        """A new key for the right password; raises SessionEndedError where it, or the token, is wrong."""
        if self.withheld():
            raise SessionEndedError(DOCUMENTED_PASSWORD)
        charged_at = self.monotonic()
        budget = self.limits.budget(who, charged_at)
        if not budget.charge(charged_at):
            raise SessionEndedError(TOO_MANY_FAILURES)
        if self.token is not None and not token_matches(protocols, self.token()):
            raise SessionEndedError(TOKEN_REFUSED)
        expected = self.password()
        if not expected or not hmac.compare_digest(password.encode(), expected):
            raise SessionEndedError(PASSWORD_REFUSED)
        budget.give_back(charged_at)
        budget.right_password()
        self._end_with_their_secrets()
        while len(self._used) >= MOST_KEYS:
            self._used.pop(min(self._used, key=lambda key: self._used[key]))
        key = secrets.token_urlsafe(32)
        self._used[key] = charged_at
        return key

    def is_open(self, key: str) -> bool:
        """Whether the key is one of ours and not idle for too long; using it keeps it."""
        if self.withheld():
            return False
        self._end_with_their_secrets()
        now, shown = self.monotonic(), key.encode(errors="replace")
        self._used = {k: at for k, at in self._used.items() if now - at < IDLE_SECONDS}
        found = next((k for k in self._used if hmac.compare_digest(k.encode(), shown)), None)
        if found is None:
            return False
        self._used[found] = now
        return True

    def close(self, key: str) -> None:
        """The person has gone."""
        self._used.pop(key, None)

    def _end_with_their_secrets(self) -> None:
        """Whoever has a key for a password or a token that counts no more has none."""
        counts = (self.password(), self.token() if self.token is not None else b"")
        if counts != self._shown:
            self._used.clear()
        self._shown = counts

    def may_press(self) -> bool:
        """Whether a press is passed on: so many in a minute are."""
        return self.presses.charge(self.monotonic())
