"""A person wants the login for themselves, by an annotation: until when, what it costs, what is asked for. Pure.

What the annotation was found to say is in the status, so a duration counts from when it was seen first, and no
restart of the operator moves it.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ibgateway_api import names
from ibgateway_api.reports import HandoverReport
from ibgateway_api.requests import LONGEST_HANDOVER, asked_at_console
from ibgateway_api.status import HandoverStatus
from ibgateway_api.week import Calendar, Window, token_lives_until
from ibgateway_operator.model.snapshot import Snapshot
from ibgateway_operator.model.times import parse_time, rfc3339

WORTH_ASKING: Final = timedelta(seconds=5)
"""A handover that is over so soon is not asked for any more: the sentinel's clock is not ours."""
LONGEST_ID: Final = 64

_DURATION: Final = re.compile(r"(?:(\d{1,4})d)?(?:(\d{1,4})h)?(?:(\d{1,5})m)?(?:(\d{1,6})s)?")


@dataclass(frozen=True)
class RequestedHandover:
    """What the annotation asks for: `until` None where it is ignored, and `refused` then says why in words."""

    request: str
    until: datetime | None = None
    refused: str = ""

    @property
    def id(self) -> str:
        """What the sentinel knows it by."""
        return f"{rfc3339(self.until)} {self.request}"[:LONGEST_ID] if self.until else ""


def requested_handover(snapshot: Snapshot) -> RequestedHandover | None:
    """What the annotation asks for; None where there is none. What was seen before is not read again."""
    text = snapshot.gateway.annotations.get(names.ANNOTATION_HANDOVER_UNTIL, "")
    before = snapshot.gateway.status.handover
    if not text:
        return None
    if text == before.request:
        return RequestedHandover(text, before.until)
    if text == before.ignored:
        return RequestedHandover(text)
    return _read(text, snapshot.now)


def _read(text: str, now: datetime) -> RequestedHandover:
    until = _until(text, now)
    if until is None:
        why = "it is neither an RFC 3339 time with a zone, such as 2026-01-31T08:30:00Z, nor a duration such as 30m or 2h"
    elif until <= now:
        why = "it is not ahead of the clock"
    elif until - now > LONGEST_HANDOVER:
        days = LONGEST_HANDOVER.days
        why = f"it is more than {days} days ahead: for longer set spec.suspend to true"
    else:
        return RequestedHandover(text, until)
    return RequestedHandover(text, refused=why)


def _until(text: str, now: datetime) -> datetime | None:
    if (at := parse_time(text)) is not None:
        return at.replace(microsecond=0)
    match = _DURATION.fullmatch(text)
    if match is None or not any(match.groups()):
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    span = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    return now.replace(microsecond=0) + span


def standing_handover(snapshot: Snapshot) -> HandoverReport | None:
    """The handover that the sentinel keeps, whoever asked for it."""
    return snapshot.report.handover if snapshot.report else None


def handover_due(snapshot: Snapshot) -> RequestedHandover | None:
    """The handover that the annotation asks for and the sentinel does not keep yet."""
    asked, stands = requested_handover(snapshot), standing_handover(snapshot)
    if asked is None or asked.until is None or asked.until - snapshot.now < WORTH_ASKING:
        return None
    return None if stands is not None and stands.id == asked.id else asked


def handover_said(snapshot: Snapshot) -> RequestedHandover | None:
    """The one that is due, once the status says until when and what it costs: said before anything ends."""
    due, said = handover_due(snapshot), snapshot.gateway.status.handover
    known = due is not None and (said.request, said.until) == (due.request, due.until)
    return due if known else None


def handed_back(snapshot: Snapshot) -> str:
    """The id of our handover that stands although its annotation was removed; empty where none is."""
    stands, said = standing_handover(snapshot), snapshot.gateway.status.handover
    if snapshot.gateway.annotations.get(names.ANNOTATION_HANDOVER_UNTIL) or stands is None:
        return ""
    return stands.id if stands.id == RequestedHandover(said.request, said.until).id else ""


def handover_words(snapshot: Snapshot) -> str:
    """Until when a person has the login, for whoever asks for it meanwhile; empty where nobody has."""
    stands, due = standing_handover(snapshot), handover_due(snapshot)
    until = stands.until if stands else due.until if due else None
    if until is None:
        return ""
    return f"a person has the login until {rfc3339(until)}: {how_to_have_it_back(stands)} to have it back now"


def how_to_have_it_back(stands: HandoverReport | None) -> str:
    """What ends a handover before its time: there where it was asked for."""
    if stands is not None and asked_at_console(stands.id):
        return "press the button for that at the console"
    return f"remove the annotation {names.ANNOTATION_HANDOVER_UNTIL}"


def handover_status(snapshot: Snapshot, week: Window, calendar: Calendar) -> HandoverStatus:
    """What is remembered: the request that counts, the one that was ignored, and what the return costs."""
    before, asked = snapshot.gateway.status.handover, requested_handover(snapshot)
    if asked is None:
        return before.model_copy(update={"ignored": ""}) if _lasts(snapshot) else HandoverStatus()
    if asked.until is None:
        kept = before if _lasts(snapshot) else HandoverStatus()
        return kept.model_copy(update={"ignored": asked.request})
    return HandoverStatus(
        request=asked.request,
        until=asked.until,
        costs_push=_costs_push(snapshot, asked, week, calendar),
    )


def _lasts(snapshot: Snapshot) -> bool:
    """Whether our handover stands, or may: a sentinel that is silent may keep it."""
    before, stands = snapshot.gateway.status.handover, standing_handover(snapshot)
    if before.until is None or before.until <= snapshot.now:
        return False
    mine = RequestedHandover(before.request, before.until).id
    return snapshot.report is None or (stands is not None and stands.id == mine)


def _costs_push(
    snapshot: Snapshot, asked: RequestedHandover, week: Window, calendar: Calendar
) -> bool:
    """The sentinel's word; before it has one, what the week says. What is over keeps what was said."""
    stands, before = standing_handover(snapshot), snapshot.gateway.status.handover
    if stands is not None and stands.id == asked.id:
        return stands.costs_push
    if asked.until is None or asked.until <= snapshot.now:
        return before.costs_push
    has_token = snapshot.logged_in or (stands is not None and not stands.costs_push)
    return not (has_token and token_lives_until(week, calendar, asked.until))
