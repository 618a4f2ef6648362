"""Everything that can go wrong with a call, as one tree.

ClientError
├── GateClosedError        the gate did not open in time: `reason`, and why in words
├── GateSettingsError         the environment does not say where the gate is told of
├── UnansweredError        no answer, or half of one: what was asked may have happened
├── UnreadableError         an event of another release: `event` is its number, after which one may go on
└── ProblemError            the executor's own word: `code`, `status`, `detail` says what to do
    ├── TokenError 401
    ├── NotFoundError       404
    ├── ConflictError       409
    ├── RefusedError        400, 411 to 422: send something else
    ├── LimitError   429
    └── UnavailableError    503: nothing was changed, try again
"""

from typing import Final

from pydantic import ValidationError

from ibgateway_api.executor_documents import ProblemDocument


class ClientError(Exception):
    """Root of the tree."""


class GateClosedError(ClientError):
    """No order may be sent now. `reason` is the word for programs, as in the condition TradingAllowed."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(f"the gate is closed: {reason}: {message}")
        self.reason = reason


class GateSettingsError(ClientError):
    """The environment or a file of it does not say what following the gate takes; the text says which."""


class UnansweredError(ClientError):
    """No answer, or one that can't be read. Ask with the same key what became of the request."""


class UnreadableError(ClientError):
    """An event that this release can't read; `events(after=error.event)` goes on behind it."""

    def __init__(self, name: str, event: int) -> None:
        super().__init__(
            f"event {event}, {name!r}, is none that this release of the client can read"
        )
        self.event = event


class ProblemError(ClientError):
    """An answer that is an error. `retry_after` is seconds, None where nothing was said."""

    def __init__(self, problem: ProblemDocument, retry_after: float | None = None) -> None:
        super().__init__(f"{problem.status} {problem.code}: {problem.detail}")
        self.problem = problem
        self.retry_after = retry_after

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.problem.status

    @property
    def code(self) -> str:
        """The word for programs; empty where something between here and the executor answered."""
        return self.problem.code


class TokenError(ProblemError):
    """The token is missing or another one."""


class NotFoundError(ProblemError):
    """There is no such order."""


class ConflictError(ProblemError):
    """The order's state forbids it, a request with this key is being stored, or the account has another rebalance: `problem.rebalance`."""


class RefusedError(ProblemError):
    """The request is not taken as it is; `problem.errors` points at what is wrong."""


class LimitError(ProblemError):
    """The day's orders are used up, or this address asks too often."""


class UnavailableError(ProblemError):
    """The executor can't do it now. Nothing was changed."""


_KINDS: Final[dict[int, type[ProblemError]]] = {
    401: TokenError,
    404: NotFoundError,
    409: ConflictError,
    429: LimitError,
    503: UnavailableError,
    **dict.fromkeys((400, 411, 413, 415, 421, 422), RefusedError),
}


def problem_error(status: int, content: bytes, retry_after: str | None) -> ProblemError:
    """The error of an answer, whoever gave it."""
    try:
        problem = ProblemDocument.model_validate_json(content)
    except ValidationError:
        problem = ProblemDocument(detail=content[:200].decode(errors="replace"))
    known = problem.model_copy(update={"status": status})
    seconds = float(retry_after) if retry_after and retry_after.isdecimal() else None
    return _KINDS.get(status, ProblemError)(known, seconds)
