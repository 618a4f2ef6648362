"""The JSON documents that the programs ask each other with over HTTP."""

from datetime import timedelta
from typing import Final

from pydantic import AwareDatetime, Field

from ibgateway_api.console_documents import ConsoleAction
from ibgateway_api.document import Document

LONGEST_HANDOVER: Final = timedelta(days=3)
"""Whoever wants the login for longer suspends the gateway."""
CONSOLE: Final = "console"
"""Who asked, in the sentinel's ledger, and the first word of the id of a handover that was asked for there."""


class LoginRequest(Document):
    """`POST /v1/login-requests` of the sentinel: a person asks for one more attempt.

    `id` is the annotation's time stamp as written; a handled or older id is answered with 200 and
    does nothing. 409 where it would end a login and no attempt would be allowed after it: its text says
    why, until when and what helps. It was not taken, and may be asked again.
    """

    id: str


class RestartRequest(Document):
    """`POST /v1/restarts` of the sentinel: stop cleanly, then one `full` attempt in the same pod.

    `id` is the boundary's time in RFC 3339 UTC: the same week never restarts twice. 409 as above.
    """

    id: str


class TurnRequest(Document):
    """`POST /v1/turns` of the sentinel: one attempt that pushes may begin until then.

    Nobody else's push waits at the person who approves. `id` names the turn; the same one is given once.
    """

    id: str
    until: AwareDatetime


class HandoverRequest(Document):
    """`POST /v1/handovers` of the sentinel: a person has the login for themselves until a time.

    The process ends, by PAUSE where the week's token lives until then, and nothing logs in before `until`.
    Without `until` the handover of that `id` is over and the login comes back at once. Whoever asks has drained
    the executor. 409 with the reason for a time that can't be; the answer is a `HandoverReport`. It is the same
    for a handover that stands, which is 200.
    """

    id: str
    until: AwareDatetime | None = None


class ConsoleRequest(Document):
    """`POST /v1/console-requests` of the sentinel: what a person asks for at the console, with a button.

    `id` is the time at which it was pressed, in RFC 3339: the same one is taken once. `minutes` is for a handover. 409
    with the reason where it can't be had now, or costs a push to which the person has not agreed.
    """

    id: str
    action: ConsoleAction
    minutes: int = Field(default=30, ge=1, le=12 * 60)
    push_agreed: bool = False
    """Whether a push was said to be its cost when it was pressed."""


def asked_at_console(handover: str) -> bool:
    """Whether the handover of that id was asked for at the console, so that no annotation ends it."""
    return handover.startswith(f"{CONSOLE} ")
