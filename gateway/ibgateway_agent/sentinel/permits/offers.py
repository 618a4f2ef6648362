"""What a person may ask for at the console now, and what each of it costs in pushes. Pure."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from ibgateway_agent.sentinel.permits import trading_pause
from ibgateway_agent.sentinel.permits.decide import (
    answer_to_person,
    login_is_under_way,
    refused_return,
    refused_stop,
)
from ibgateway_agent.sentinel.permits.handover import handover, why_it_costs
from ibgateway_agent.sentinel.permits.records import Note, RequestKind, pressed
from ibgateway_agent.sentinel.permits.snapshot import SentinelSnapshot
from ibgateway_agent.sentinel.permits.week_ahead import week_now
from ibgateway_api.advice import why_refused
from ibgateway_api.console_documents import ActionOffer, ConsoleAction
from ibgateway_api.login import LoginState
from ibgateway_api.permits import Granted, PermitKind, PermitRefusal, Refused
from ibgateway_api.requests import ConsoleRequest, asked_at_console

SPACED: Final = timedelta(seconds=30)
"""Between two presses that may cost a push: a finger that slips sends one."""
OUT_FOR: Final = timedelta(seconds=10)
"""A restart without a push is a handover that is over as soon as it has begun."""
_MAY_PUSH: Final = (
    pressed(ConsoleAction.LOGIN),
    pressed(ConsoleAction.RESTART),
    pressed(ConsoleAction.HANDOVER),
)


def offers(now: SentinelSnapshot) -> tuple[ActionOffer, ...]:
    """Each action that makes sense, whether or not it can be had."""
    return tuple(_offers(now))


def refused_press(asked: ConsoleRequest, now: SentinelSnapshot) -> str:
    """Why it can't be had now; empty where it can."""
    found = next((offer for offer in _offers(now) if offer.action is asked.action), None)
    if found is None:
        return "there is nothing of that kind to be ended"
    return found.refused or costs_more(asked, now)


def costs_more(asked: ConsoleRequest, now: SentinelSnapshot) -> str:
    """Whether it has come to cost a push since its cost was read, in words; empty where it has not."""
    found = next((offer for offer in _offers(now) if offer.action is asked.action), None)
    if found is None or not found.pushes or asked.push_agreed:
        return ""
    return "it costs a push now, and cost none when you read it"


def is_weeks_restart(now: SentinelSnapshot) -> bool:
    """Whether a restart that is asked for now is the week's, with its push."""
    return week_now(now).open


def _offers(now: SentinelSnapshot) -> Iterator[ActionOffer]:
    stands = handover(now.records, now.now)
    pressed = _just_pressed(now)
    yield _login(now, pressed)
    yield _restart(now, stands, pressed)
    yield _handover(now, stands, pressed)
    if stands is not None:
        yield _hand_back(now, stands)
    paused = trading_pause.standing(now) is not None
    yield ActionOffer(action=ConsoleAction.RESUME if paused else ConsoleAction.PAUSE)


def _login(now: SentinelSnapshot, pressed: str) -> ActionOffer:
    answer = answer_to_person(now)
    pushes = not (isinstance(answer, Granted) and answer.kind is PermitKind.TOKEN)
    refused = pressed
    if isinstance(answer, Refused) and answer.reason is not PermitRefusal.AWAITS_TURN:
        refused = why_refused(answer.reason, answer.until)
    if not now.settings.logins_allowed:
        refused = why_refused(PermitRefusal.POLICY_UNPROVEN, None)
    if now.login.state is LoginState.LOGGED_IN:
        refused = "the gateway is logged in"
    elif login_is_under_way(now):
        refused = "a login is under way"
    return ActionOffer(action=ConsoleAction.LOGIN, pushes=pushes, refused=refused)


def _restart(now: SentinelSnapshot, stands: Note | None, pressed: str) -> ActionOffer:
    weeks = is_weeks_restart(now)
    why = "this week's login is due" if weeks else why_it_costs(now, now.now + OUT_FOR)
    refused = pressed
    if answer := _not_let_in_again(now, weeks=weeks):
        refused = why_refused(answer.reason, answer.until)
    if stands is not None:
        refused = "a person has the login"
    elif now.login.state is not LoginState.LOGGED_IN:
        refused = "the gateway is not logged in"
    return ActionOffer(
        action=ConsoleAction.RESTART, pushes=weeks or bool(why), why=why, refused=refused
    )


def _not_let_in_again(now: SentinelSnapshot, *, weeks: bool) -> Refused | None:
    """Why a login that ends for a restart would find no way back now."""
    if not now.settings.logins_allowed:
        return Refused(PermitRefusal.POLICY_UNPROVEN)
    return refused_stop(now, RequestKind.LOGIN, "") if weeks else refused_return(now)


def _handover(now: SentinelSnapshot, stands: Note | None, pressed: str) -> ActionOffer:
    """What it costs is told of the shortest one: a long one may outlive the week's token."""
    why = why_it_costs(now, now.now + timedelta(minutes=30))
    refused = "a person has the login" if stands is not None else pressed
    return ActionOffer(action=ConsoleAction.HANDOVER, pushes=bool(why), why=why, refused=refused)


def _hand_back(now: SentinelSnapshot, stands: Note) -> ActionOffer:
    why = why_it_costs(now, stands.until or now.now)
    ours = asked_at_console(stands.request)
    refused = "" if ours else "it was asked for by the annotation, and ends when that is removed"
    return ActionOffer(action=ConsoleAction.HAND_BACK, pushes=bool(why), why=why, refused=refused)


def _just_pressed(now: SentinelSnapshot) -> str:
    last = now.records.last_asked(*_MAY_PUSH)
    if last is None or abs(now.now - last.at) >= SPACED:
        return ""
    return "something was asked for here a moment ago"
