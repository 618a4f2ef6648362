"""A person's request for a login attempt, made by an annotation. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ibgateway_api import names
from ibgateway_operator.decide.handovers import handover_words
from ibgateway_operator.model.snapshot import Snapshot
from ibgateway_operator.model.times import parse_time

REQUEST_LIFETIME: Final = timedelta(minutes=10)
"""A request means a person with a phone in hand: an older one finds nobody there."""
REQUEST_SKEW: Final = timedelta(minutes=1)


@dataclass(frozen=True)
class RequestedLogin:
    """A person's request for one more attempt: `refused` says in words why it is ignored."""

    id: str
    refused: str = ""


def requested_login(snapshot: Snapshot) -> RequestedLogin | None:
    """The request in the annotation; None where there is none, or it was handled or ignored.

    What was once announced as ignored never acts: nobody stands there with a phone when its time comes.
    """
    text = snapshot.gateway.annotations.get(names.ANNOTATION_LOGIN_REQUESTED_AT, "")
    login = snapshot.gateway.status.login
    handled = login.handled_request
    if not text or text in (handled, login.ignored_request):
        return None
    refused = _refused(text, handled, snapshot.now) or handover_words(snapshot)
    return RequestedLogin(text, refused)


def _refused(text: str, handled: str, now: datetime) -> str:
    at, before = parse_time(text), parse_time(handled)
    if at is None:
        return "it is no RFC 3339 time with a zone, such as 2026-01-31T08:30:00Z"
    if before is not None and at <= before:
        return f"it is not newer than the last one, {handled}"
    if at > now + REQUEST_SKEW:
        return "it lies in the future: set it again, to the time at which a person is there"
    if at < now - REQUEST_LIFETIME:
        return "it is more than ten minutes old"
    return ""
