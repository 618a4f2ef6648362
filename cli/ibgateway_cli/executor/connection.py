"""The way to a gateway's executor: through kubectl's port-forward, with the token of its Secret, and opened anew where it breaks."""

from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from typing import Final, NamedTuple, Self, TypeVar

import httpx

from ibgateway.client import (
    ClientError,
    ExecutorClient,
    ExecutorEvent,
    ProblemError,
    RetryLimit,
    UnansweredError,
    UnreadableError,
)
from ibgateway.client.retries import BETWEEN, SAFE_CODES
from ibgateway_api import names
from ibgateway_api.accounts import TradingMode
from ibgateway_api.names import Key
from ibgateway_cli.app import Plugin
from ibgateway_cli.errors import ExitCode, PluginError
from ibgateway_cli.executor.problems import ASK_THE_PROGRAM, plugin_error
from ibgateway_cli.kube.cluster import Json
from ibgateway_cli.kube.gateway import called, deletion_of, key_of, own_program
from ibgateway_cli.kube.loopback import direct, token_of

T = TypeVar("T")
Way = Callable[[], AbstractContextManager[str]]

ATTEMPTS: Final = 6
"""With pauses of 1, 2, 4, 8 and 8 seconds: a pod that is replaced is back by then."""
LONGEST_PAUSE: Final = 8.0


class TradingGateway(NamedTuple):
    """Whose executor it is, and whether its orders are paper's or real."""

    name: str
    mode: str
    accounts: tuple[str, ...]
    namespace: str

    @property
    def live(self) -> bool:
        """Whatever is not paper is treated as live."""
        return self.mode != TradingMode.PAPER

    def __str__(self) -> str:
        return called(self.mode, Key(self.namespace, self.name))


class ExecutorConnection:
    """Calls of one executor. `told` is given a sentence where a call is repeated."""

    def __init__(
        self,
        way: Way,
        token: str,
        *,
        told: Callable[[str], None],
        sleep: Callable[[float], None],
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._way = way
        self._token = token
        self._told = told
        self._sleep = sleep
        self._transport = transport
        self._open: tuple[AbstractContextManager[str], ExecutorClient] | None = None

    def __enter__(self) -> Self:
        self._client()
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    def once(self, call: Callable[[ExecutorClient], T]) -> T:
        """One call without a repetition. Raises ClientError; a way that can't be opened again is an UnansweredError."""
        try:
            return call(self._client())
        except PluginError as error:
            raise UnansweredError(error.sentence) from error
        except UnansweredError:
            self.leave()
            raise

    def ask(self, call: Callable[[ExecutorClient], T], *, changes: str = "") -> T:
        """A call that changes nothing more when it is repeated: as all do but those that place. Raises PluginError.

        `changes` is what it asks for: where its answer stays away, that may have happened.
        """
        lost = False
        for attempt in count(1):
            try:
                return self.once(call)
            except ClientError as error:
                lost = lost or may_be_done(error)
                if attempt == ATTEMPTS or not comes_back(error):
                    said = plugin_error(error)
                    raise (_unknown(said, changes) if changes and lost else said) from error
                self.pause(attempt, "No answer from the executor, asking again.")
        raise AssertionError("unreachable")

    def events(self, after: int | None = None) -> Generator[ExecutorEvent, None, None]:
        """What happens, from now on or after an event, over broken ways too. Raises PluginError once it stays away."""
        last, failures = after, 0
        while True:
            try:
                for event in self._client().events(after=last, attempts=1):
                    last, failures = event.id, 0
                    yield event
            except UnreadableError as error:
                raise PluginError(
                    "the executor tells something that this plugin can't read: what was asked goes on",
                    "install the plugin of the operator's release",
                    ExitCode.UNANSWERED,
                ) from error
            except (ClientError, PluginError) as error:
                failures += 1
                if isinstance(error, PluginError):
                    error = UnansweredError(error.sentence)
                if failures == ATTEMPTS or not comes_back(error):
                    raise plugin_error(error) from error
                self.leave()
                self.pause(failures, "The executor's events have stopped, listening again.")

    def tell(self, words: str) -> None:
        """A sentence for the person."""
        self._told(words)

    def pause(self, attempt: int, words: str) -> None:
        """Before what is repeated, longer each time."""
        self._told(words)
        self._sleep(min(2.0 ** (attempt - 1), LONGEST_PAUSE))

    def leave(self) -> None:
        """Close the way; the next call opens another one."""
        if self._open is not None:
            (way, client), self._open = self._open, None
            client.close()
            way.__exit__(None, None, None)

    def _client(self) -> ExecutorClient:
        if self._open is None:
            way = self._way()
            address = way.__enter__()
            client = ExecutorClient(
                address,
                token=self._token,
                retries=RetryLimit(attempts=1),
                transport=direct(self._transport),
                sleep=self._sleep,
            )
            self._open = (way, client)
        return self._open[1]


def may_be_done(error: ClientError) -> bool:
    """Whether the request may be on disk although this is its answer. Of the executor's own words a 503 says that it is not."""
    if isinstance(error, ProblemError) and error.code != "RequestInFlight":
        return error.status >= 500 and not (error.status == 503 and error.code)
    return True


def _unknown(said: PluginError, changes: str) -> PluginError:
    if said.exit_code is not ExitCode.UNREACHABLE:
        return said
    return PluginError(
        f"nobody knows whether {changes}: {said.sentence}",
        "kubectl ibgateway orders, history and pause show it; asking again is safe",
        ExitCode.UNANSWERED,
    )


def comes_back(error: ClientError) -> bool:
    """Whether the way or the pod is away, and not what the executor says itself: that is told at once."""
    if isinstance(error, ProblemError) and error.code not in SAFE_CODES:
        return error.status in BETWEEN and not error.code
    return True


@contextmanager
def connected(
    plugin: Plugin, name: str | None, *, places: bool = False
) -> Iterator[tuple[TradingGateway, ExecutorConnection]]:
    """The executor of the IBGateway that is meant; `places`: to give it something to trade. Raises PluginError."""
    found = plugin.lasting(name) if places else plugin.gateway(name)
    if deletion := deletion_of(found):
        plugin.terminal.tell(f"{deletion}, and its executor goes with it.")
    gateway = trading_gateway(found)
    if program := own_program(plugin.cluster, found):
        raise PluginError(program, ASK_THE_PROGRAM, ExitCode.REFUSED)
    children = names.child_names(gateway.name)
    token = token_of(children.executor_token, plugin.cluster.secret(children.executor_token))
    connection = ExecutorConnection(
        lambda: plugin.cluster.forward(f"svc/{children.intake}", names.PORT_EXECUTOR),
        token,
        told=plugin.terminal.tell,
        sleep=plugin.terminal.sleep,
        transport=plugin.transport,
    )
    with connection:
        yield gateway, connection


def trading_gateway(gateway: Json) -> TradingGateway:
    """Of an IBGateway with an executor. Raises PluginError."""
    (namespace, name), spec = key_of(gateway), gateway.get("spec") or {}
    if (spec.get("executor") or {}).get("enabled") is False:
        raise PluginError(
            f"{name} has no executor",
            "set spec.executor.enabled to true",
            ExitCode.REFUSED,
        )
    accounts = (gateway.get("status") or {}).get("accounts") or ()
    return TradingGateway(name, spec.get("tradingMode") or "", tuple(accounts), namespace)
