"""Where the gate is told of, and the two requests that following it takes: what both gates share."""

import re
import secrets
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final
from zlib import crc32

import httpx
from pydantic import ValidationError

from ibgateway.client.errors import (
    ClientError,
    GateSettingsError,
    TokenError,
    UnansweredError,
)
from ibgateway.client.gate_state import SILENCE_SECONDS
from ibgateway.client.http_calls import AnyClient, Token, authorization, error_of, unanswered
from ibgateway.client.retries import RetryLimit
from ibgateway_api.gate_documents import DrainAnswer

URL_VARIABLE: Final = "IBGATEWAY_STATUS_URL"
TOKEN_VARIABLE: Final = "IBGATEWAY_TOKEN_FILE"  # noqa: S105 - a variable's name, not a secret
ENTRY_SECONDS: Final = 60.0
"""So long an order waits for the gate where nothing else is said: what was decided a while ago may not be wanted any more."""
WORD_SECONDS: Final = 2.0
"""So long the answer to an acknowledged drain may take: meanwhile the gate's own line is not read."""
RETRIES: Final = RetryLimit(pause=0.25, longest=1.0)
"""A program that asks no more is not waited for for long: a new question is under way well before."""

_TOKEN: Final = re.compile(r"[!-~]+")
"""What a header can carry; httpx would tell its own log of anything else."""
_LONGEST: Final = 63
_FORBIDDEN: Final = re.compile(r"[^a-z0-9.-]")


def url_of(environment: Mapping[str, str]) -> str:
    """The gate's address; raises GateSettingsError."""
    return _value(environment, URL_VARIABLE)


def seconds_since_boot() -> float:
    """Seconds that go on while the machine is suspended, where the system counts them; else monotonic ones."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)


def checked(url: str) -> str:
    """The address, if it is one; raises GateSettingsError."""
    try:
        address = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise GateSettingsError(f"{url!r} is no address of a gate: {error}") from error
    if address.scheme not in {"http", "https"} or not address.host:
        raise GateSettingsError(
            f"{url!r} is no address of a gate: http://NAME-gateway-pods.NAMESPACE.svc:8090/v1/gate"
        )
    return url


def token_of(environment: Mapping[str, str]) -> Callable[[], str]:
    """What reads the token's file, each time anew: the kubelet writes a rotated token there. Raises GateSettingsError."""
    path = Path(_value(environment, TOKEN_VARIABLE))

    def read() -> str:
        try:
            token = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeError) as error:
            raise GateSettingsError(
                f"{TOKEN_VARIABLE}: {path} can't be read ({type(error).__name__})"
            ) from None
        if not _TOKEN.fullmatch(token):
            raise GateSettingsError(f"{TOKEN_VARIABLE}: {path} holds no token")
        return token

    return read


def program_name(name: str | None) -> str:
    """How the sentinel calls this program: by default the host's name, which is the pod's, and a mark of this one gate.

    The first answer of a name counts for all that have it, so processes of one pod have names of their own.
    """
    if name is None:
        return _marked(_allowed(socket.gethostname()), secrets.token_hex(4))
    said = _allowed(name)
    return said if len(said) <= _LONGEST else _marked(said, f"{crc32(said.encode()):08x}")


def _marked(name: str, mark: str) -> str:
    return f"{name[: _LONGEST - 1 - len(mark)]}-{mark}"


def _allowed(name: str) -> str:
    return _FORBIDDEN.sub("-", name.lower()) or "program"


def listening(client: AnyClient, url: str, *, program: str, token: Token) -> httpx.Request:
    """The question for the gate as it is and each change of it, as server-sent events."""
    headers = {**authorization(token), "Accept": "text/event-stream"}
    return client.build_request(
        "GET", url, params={"program": program}, headers=headers, timeout=SILENCE_SECONDS
    )


def drained(
    client: AnyClient, url: str, *, program: str, drain: str, token: Token
) -> httpx.Request:
    """The word that nothing is under way here, and that nothing will be until the gate has opened again."""
    address = httpx.URL(url)
    body = DrainAnswer(program=program, drain=drain).to_json()
    headers = {**authorization(token), "Content-Type": "application/json"}
    there = address.copy_with(path=f"{address.path.rstrip('/')}/drained", query=None)
    return client.build_request("POST", there, content=body, headers=headers, timeout=WORD_SECONDS)


def taken(answer: httpx.Response) -> bool:
    """Whether the sentinel has taken the word; False where that drain has ended meanwhile. Raises a ClientError."""
    if answer.status_code == 409:
        return False
    if not answer.is_success:
        raise error_of(answer)
    return True


def trouble(error: Exception) -> tuple[str, bool]:
    """Why the gate is not heard, in words without the token, and whether that closes it at once.

    A connection that fails says nothing of the gate, so the silence decides. An answer that is not the sentinel's word,
    and a token that can't be read, do not pass within it.
    """
    if isinstance(error, TokenError):
        return f"it refuses the token ({error}): is {TOKEN_VARIABLE} of this gateway?", True
    if isinstance(error, ValidationError):
        return f"its answer is not understood: {error}", True
    if isinstance(error, (UnansweredError, httpx.HTTPError, httpx.StreamError, OSError)):
        return str(unanswered(error)), False
    if isinstance(error, ClientError):
        return str(error), True
    return type(error).__name__, True


def _value(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "").strip()
    if not value:
        raise GateSettingsError(
            f"{name} is not set: the operator sets it in a program of spec.executor.image;"
            " the page on bots of your own says what to set elsewhere"
        )
    return value
