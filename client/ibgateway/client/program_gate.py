"""What both gates are: the gate as one program hears it."""

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Self

from ibgateway.client import gate_calls
from ibgateway.client.gate_state import ClosedGate, GateState
from ibgateway.client.retries import RetryLimit
from ibgateway_api.gate_documents import GateReport


class ProgramGate(ABC):
    """Where the gate is asked for, with which token and under which name, and what was heard of it last.

    Of `retries` the pauses count. `clock` is for tests. Raises GateSettingsError for a URL or a name that can't be.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | Callable[[], str],
        program: str | None = None,
        retries: RetryLimit = gate_calls.RETRIES,
        clock: Callable[[], float] = gate_calls.seconds_since_boot,
    ) -> None:
        self._url = gate_calls.checked(url)
        self._token = token
        self._retries = retries
        self._program = gate_calls.program_name(program)
        self._state = GateState(clock, self._wake)

    @classmethod
    def from_environment(
        cls, environment: Mapping[str, str] | None = None, *, program: str | None = None
    ) -> Self:
        """The gate that IBGATEWAY_STATUS_URL and IBGATEWAY_TOKEN_FILE name; raises GateSettingsError."""
        given = os.environ if environment is None else environment
        url, token = gate_calls.url_of(given), gate_calls.token_of(given)
        return cls(url, token=token, program=program)

    @property
    def report(self) -> GateReport | None:
        """The last report, however old; None before the first, and where the last answer was none."""
        return self._state.report

    @property
    def is_open(self) -> bool:
        """Whether an order that is sent now would reach the market."""
        return self._state.closed() is None

    @property
    def why_closed(self) -> ClosedGate | None:
        """Reason and words; None while it is open."""
        return self._state.closed()

    @abstractmethod
    def _wake(self) -> None:
        """The gate may have moved: whoever waits for it looks again."""
