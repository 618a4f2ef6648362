"""An order or a rebalance is stored once: where its answer is lost it is asked for again, with the same key and body."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Final, TypeVar

from ibgateway.client import ClientError, ExecutorClient, ProblemError
from ibgateway.client.retries import SAFE_CODES
from ibgateway_cli.errors import ExitCode, PluginError
from ibgateway_cli.executor.connection import ATTEMPTS, ExecutorConnection, comes_back, may_be_done
from ibgateway_cli.executor.problems import plugin_error, sentence

T = TypeVar("T")
_BEFORE_THE_KEY: Final = frozenset({"Unauthorized", "RequestTimeout", "MalformedRequest"})
"""The executor says so before it looks at the key, and one time is not as the other: they say nothing of an earlier attempt."""


def stored_once(
    connection: ExecutorConnection, call: Callable[[ExecutorClient], T], *, what: str, key: str
) -> T:
    """The answer of `call`, which sends the same key and the same body each time. Raises PluginError.

    An answer that is lost may be that of a stored request. No later "not now" says that it was not stored, only a plain refusal
    does: the executor answers a stored request whatever has changed.
    """
    try:
        return _repeated(connection, call, what=what, key=key)
    except KeyboardInterrupt:
        connection.tell(
            f"Nobody knows whether the {what} is stored: repeat the same command with --key {key}."
        )
        raise


@contextmanager
def seen_through(what: str, its_id: str) -> Iterator[None]:
    """While what is stored is waited for: whatever is in the way says that it is stored. Raises PluginError."""
    try:
        yield
    except PluginError as error:
        raise PluginError(
            f"the {what} {its_id} is stored, and how it ends can't be seen from here: {error.sentence}",
            f"kubectl ibgateway history {its_id} shows it; placing it again would be another {what}",
            ExitCode.UNANSWERED,
        ) from error


def _repeated(
    connection: ExecutorConnection, call: Callable[[ExecutorClient], T], *, what: str, key: str
) -> T:
    lost = False
    for attempt in count(1):
        try:
            return connection.once(call)
        except ClientError as error:
            lost = lost or may_be_done(error)
            if not (comes_back(error) or (lost and not _refused(error))):
                raise plugin_error(error) from error
            if attempt == ATTEMPTS:
                raise (_fate_unknown(error, what, key) if lost else plugin_error(error)) from error
            connection.pause(attempt, f"The answer is missing, repeating with the same key {key}.")
    raise AssertionError("unreachable")


def _refused(error: ClientError) -> bool:
    """A plain no of the executor: of a stored request it would have been the order."""
    if not isinstance(error, ProblemError) or not error.code:
        return False
    return error.status < 500 and error.code not in SAFE_CODES | _BEFORE_THE_KEY


def _fate_unknown(error: ClientError, what: str, key: str) -> PluginError:
    return PluginError(
        f"nobody knows whether the {what} is stored: {sentence(str(error))}",
        f"repeat the same command with --key {key}: with this key it is placed once",
        ExitCode.UNANSWERED,
    )
