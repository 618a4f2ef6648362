"""The gate, for programs without asyncio."""

import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Final, Self

import httpx

from ibgateway.client import gate_calls, http_calls
from ibgateway.client.errors import GateClosedError
from ibgateway.client.gate_state import ClosedGate
from ibgateway.client.program_gate import ProgramGate
from ibgateway.client.retries import RetryLimit

LEAVING_SECONDS: Final = 2.0
"""`close` waits so long for the thread; it sees at the next heartbeat that it is over."""


class Gate(ProgramGate):
    """Follows the gate of one gateway while it is entered, and tells it when nothing is under way here any more.

        with Gate.from_environment() as gate:
            with gate.trading():
                client.placeOrder(order_id, contract, order)

    Of any thread, in a thread of its own. The rest is as with AsyncGate.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | Callable[[], str],
        program: str | None = None,
        retries: RetryLimit = gate_calls.RETRIES,
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], float] = gate_calls.seconds_since_boot,
    ) -> None:
        super().__init__(url, token=token, program=program, retries=retries, clock=clock)
        # A proxy of the environment would keep heartbeats back, and learn the token.
        self._http = httpx.Client(transport=transport, trust_env=False)
        self._changed = threading.Condition()
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="ibgateway-gate", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Follow it no longer: from now on it is closed."""
        self._ends.set()
        if self._thread.is_alive():
            self._thread.join(LEAVING_SECONDS)
        self._state.end()

    def wait_open(self, timeout: float | None = None) -> None:
        """Come back while it is open; raises GateClosedError after `timeout` seconds, None: never."""
        self._until(self._state.closed, timeout)

    @contextmanager
    def trading(self, timeout: float | None = gate_calls.ENTRY_SECONDS) -> Generator[None]:
        """Around one order: begins while the gate is open, and planned stops wait until it has ended.

        Raises GateClosedError where the gate does not open within `timeout` seconds; None waits for ever. A gate that closes
        later changes nothing inside. Leave it when the broker has acknowledged the order. Not to be nested: once a stop
        waits for the outer one, nobody else gets in.
        """
        self._until(self._state.enter, timeout)
        try:
            yield
        finally:
            self._state.leave()

    def _until(self, closed: Callable[[], ClosedGate | None], seconds: float | None) -> None:
        """Ask until the answer is None."""
        ends = None if seconds is None else time.monotonic() + seconds
        with self._changed:
            while (why := closed()) is not None:
                left = None if ends is None else ends - time.monotonic()
                if left is not None and left <= 0:
                    raise GateClosedError(*why)
                self._changed.wait(left)

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _follow(self) -> None:
        with self._http:
            failures = 0
            while not self._ends.is_set():
                try:
                    for _ in self._lines():
                        failures = 0
                except Exception as error:
                    said, at_once = gate_calls.trouble(error)
                    self._state.fail(said, at_once=at_once)
                self._ends.wait(http_calls.reconnect_pause(failures, self._retries))
                failures += 1

    def _lines(self) -> Iterator[None]:
        """One connection: each line is taken, and after each event or heartbeat the word is given that is due."""
        question = gate_calls.listening(
            self._http, self._url, program=self._program, token=self._token
        )
        self._state.asked()
        answer = self._http.send(question, stream=True)
        try:
            if answer.status_code != 200:
                answer.read()
                raise http_calls.error_of(answer)
            for line in answer.iter_lines():
                if self._ends.is_set():
                    return
                self._state.take(line)
                if not line:
                    self._give_word()
                yield
        finally:
            answer.close()

    def _give_word(self) -> None:
        drain = self._state.to_acknowledge()
        if drain is None:
            return
        word = gate_calls.drained(
            self._http, self._url, program=self._program, drain=drain, token=self._token
        )
        answer = self._http.send(word)
        if gate_calls.taken(answer):
            self._state.acknowledged(drain)
