"""The annotation ibgateway.dev/handover-until all the way: the real operator, sentinel and executor's gate, in virtual time.

IBKR counts logins and pushes. The gateway has its week's login since Sunday; it is Monday, ten in New York.
"""

from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ibgateway_api.gate import Closed, Gate
from ibgateway_simulator.model.users import KickStyle
from week_world.attentive_phone import AttentivePhone, pushes
from week_world.replacements import another_container, another_operator, another_sentinel, nobody
from week_world.virtual_time import run_virtually
from week_world.world import WeekWorld, week_world

SATURDAY = datetime(2026, 11, 14, 17, 0, tzinfo=UTC)
RESTART = datetime(2026, 11, 15, 14, 0, tzinfo=UTC)
"""Sunday, nine in New York."""
MONDAY = RESTART + timedelta(hours=25)
MINUTE = timedelta(minutes=1)
SUNDAYS = [SATURDAY, RESTART]
"""The pushes until Monday."""

Happening = Callable[[WeekWorld], Awaitable[None]]


def on_monday(folder: Path, then: Happening) -> None:
    """`then`, with a gateway that trades."""

    async def live() -> None:
        async with week_world(folder, SATURDAY, 11) as world:
            world.watch = AttentivePhone(world).look
            world.edited()
            await world.until(SATURDAY + 5 * MINUTE)
            await world.until(MONDAY)
            assert pushes(world) == SUNDAYS
            assert world.operator.condition("Ready") == "True Trading"
            await then(world)

    run_virtually(live())


def annotate(world: WeekWorld, text: str) -> None:
    """`kubectl annotate ibgw paper ibgateway.dev/handover-until=TEXT`; empty: removed."""
    world.operator.annotate("handover-until", text)
    world.edited()


def told(world: WeekWorld) -> Counter[str]:
    """Events about the handover, by reason, each with how many objects tell of it."""
    objects = world.operator.api_server.objects.items()
    reasons = (body["reason"] for (kind, *_), body in objects if kind == "Event")
    return Counter(reason for reason in reasons if reason.startswith("Hand"))


def note(world: WeekWorld, reason: str) -> str:
    objects = world.operator.api_server.objects.items()
    events = (body for (kind, *_), body in objects if kind == "Event")
    return str(next(body["note"] for body in events if body["reason"] == reason))


def closed_for(gate: Gate) -> str:
    return gate.reason if isinstance(gate, Closed) else ""


def logins(world: WeekWorld) -> list[str]:
    """The kinds of the logins that IBKR saw since Sunday's."""
    return [attempt.kind.value for attempt in world.ibkr.logins.attempts if attempt.at > MONDAY]


def is_free(world: WeekWorld) -> bool:
    """The gateway's process has ended, and IBKR has no session of it."""
    waiting = world.report.waiting if world.report else None
    mine = world.ibkr.logins.of_user("paperuser")
    return waiting is not None and waiting.refusal == "HandedOver" and not list(mine)


ANYBODY = pytest.mark.parametrize(
    "goes", [nobody, another_operator, another_sentinel, another_container]
)


@ANYBODY
def test_it_ends_at_its_time_and_the_login_comes_back_without_a_push(
    tmp_path: Path, goes: Happening
) -> None:
    async def then(world: WeekWorld) -> None:
        annotate(world, "2h")
        await world.until(MONDAY + 3 * MINUTE)
        assert is_free(world)
        assert "IBC is paused" in (tmp_path / "run" / "gateway.log").read_text()
        handover = world.operator.stored()["status"]["handover"]
        assert handover["until"].startswith(f"{MONDAY + 120 * MINUTE:%Y-%m-%dT%H:%M}")
        assert (handover["request"], handover["costsPush"]) == ("2h", False)
        assert world.operator.condition("TradingAllowed") == "False HandedOver"
        assert closed_for(world.executor.gate()) == "HandedOver"
        await goes(world)
        world.ibkr.kick("paperuser", KickStyle.RELOGIN)
        await world.until(MONDAY + 119 * MINUTE)
        await world.ibkr.free("paperuser")
        assert logins(world) == []
        assert world.operator.condition("TradingAllowed") == "False HandedOver"
        await world.until(MONDAY + 125 * MINUTE)
        assert logins(world) == ["token"]
        assert pushes(world) == SUNDAYS
        assert world.operator.condition("Ready") == "True Trading"
        assert closed_for(world.executor.gate()) == ""
        assert told(world) == {"HandoverRequested": 1, "HandedOver": 1}
        assert "the login comes back without a push" in note(world, "HandoverRequested")

    on_monday(tmp_path, then)


@ANYBODY
def test_a_removed_annotation_has_it_back_at_once(tmp_path: Path, goes: Happening) -> None:
    async def then(world: WeekWorld) -> None:
        annotate(world, "2h")
        await world.until(MONDAY + 10 * MINUTE)
        await goes(world)
        await world.until(MONDAY + 20 * MINUTE)
        assert is_free(world)
        annotate(world, "")
        await world.until(MONDAY + 22 * MINUTE)
        assert logins(world) == ["token"]
        assert pushes(world) == SUNDAYS
        assert world.operator.condition("Ready") == "True Trading"
        assert "until" not in world.operator.stored()["status"]["handover"]
        assert told(world) == {"HandoverRequested": 1, "HandedOver": 1, "HandedBack": 1}
        await world.until(MONDAY + 180 * MINUTE)
        assert logins(world) == ["token"], "its old time brings nothing"

    on_monday(tmp_path, then)


def test_it_ends_at_its_time_while_the_operator_is_away(tmp_path: Path) -> None:
    async def then(world: WeekWorld) -> None:
        annotate(world, "30m")
        await world.until(MONDAY + 10 * MINUTE)
        world.operator_falls()
        await world.until(MONDAY + 35 * MINUTE)
        assert logins(world) == ["token"]
        world.operator_returns()
        await world.until(MONDAY + 60 * MINUTE)
        assert logins(world) == ["token"], "the annotation that is still there asks for nothing"
        assert world.operator.condition("Ready") == "True Trading"
        assert told(world) == {"HandoverRequested": 1, "HandedOver": 1}

    on_monday(tmp_path, then)


def test_an_annotation_that_is_removed_while_the_operator_is_away_is_seen_by_the_next(
    tmp_path: Path,
) -> None:
    async def then(world: WeekWorld) -> None:
        annotate(world, "2h")
        await world.until(MONDAY + 10 * MINUTE)
        world.operator_falls()
        annotate(world, "")
        await world.until(MONDAY + 20 * MINUTE)
        assert is_free(world)
        world.operator_returns()
        await world.until(MONDAY + 22 * MINUTE)
        assert logins(world) == ["token"]
        assert pushes(world) == SUNDAYS

    on_monday(tmp_path, then)


def test_an_order_on_its_way_is_waited_for_also_by_the_next_operator(tmp_path: Path) -> None:
    async def then(world: WeekWorld) -> None:
        world.executor.busy_until = world.clock.monotonic() + 60
        annotate(world, "2h")
        await world.until(MONDAY + timedelta(seconds=20))
        world.operator_falls()
        world.operator_returns()
        await world.until(MONDAY + timedelta(seconds=59))
        assert world.ibkr.logins.of_user("paperuser"), (
            "the session stands until the broker has answered"
        )
        assert told(world) == {"HandoverRequested": 1}
        await world.until(MONDAY + 4 * MINUTE)
        assert is_free(world)
        assert told(world) == {"HandoverRequested": 1, "HandedOver": 1}

    on_monday(tmp_path, then)


def test_another_time_moves_it(tmp_path: Path) -> None:
    async def then(world: WeekWorld) -> None:
        annotate(world, "1h")
        await world.until(MONDAY + 10 * MINUTE)
        annotate(world, "2h")
        await world.until(MONDAY + 125 * MINUTE)
        assert is_free(world)
        await world.until(MONDAY + 133 * MINUTE)
        assert logins(world) == ["token"]
        assert pushes(world) == SUNDAYS

    on_monday(tmp_path, then)


def test_the_same_text_acts_once_until_it_was_removed(tmp_path: Path) -> None:
    async def then(world: WeekWorld) -> None:
        annotate(world, "30m")
        await world.until(MONDAY + 40 * MINUTE)
        assert logins(world) == ["token"]
        annotate(world, "30m")
        await world.until(MONDAY + 45 * MINUTE)
        assert not is_free(world)
        annotate(world, "")
        await world.until(MONDAY + 50 * MINUTE)
        annotate(world, "30m")
        await world.until(MONDAY + 55 * MINUTE)
        assert is_free(world)

    on_monday(tmp_path, then)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("soon", "neither an RFC 3339 time with a zone"),
        ("2026-11-16T15:00:00", "neither an RFC 3339 time with a zone"),
        ("2026-11-16T14:59:00Z", "not ahead of the clock"),
        ("4d", "more than 3 days ahead: for longer set spec.suspend"),
        ("2026-11-19T22:00:00Z", "more than 3 days ahead: for longer set spec.suspend"),
    ],
)
def test_a_value_that_can_not_be_followed_is_said_and_changes_nothing(
    tmp_path: Path, text: str, why: str
) -> None:
    async def then(world: WeekWorld) -> None:
        annotate(world, text)
        await world.until(MONDAY + 5 * MINUTE)
        await another_operator(world)
        await world.until(MONDAY + timedelta(hours=10))
        assert told(world) == {"HandoverIgnored": 1}, "also once three days are left"
        assert why in note(world, "HandoverIgnored")
        assert world.operator.stored()["status"]["handover"]["ignored"] == text
        assert world.operator.condition("Ready") == "True Trading"
        assert closed_for(world.executor.gate()) == ""
        assert logins(world) == []
        assert pushes(world) == SUNDAYS

    on_monday(tmp_path, then)


@pytest.mark.parametrize("removed", [False, True])
def test_a_bad_value_in_the_place_of_a_good_one_leaves_it_as_it_stands(
    tmp_path: Path, removed: bool
) -> None:
    async def then(world: WeekWorld) -> None:
        annotate(world, "1h")
        await world.until(MONDAY + 10 * MINUTE)
        annotate(world, "a little longer")
        await world.until(MONDAY + 20 * MINUTE)
        assert is_free(world)
        if removed:
            annotate(world, "")
        await world.until(MONDAY + 22 * MINUTE)
        assert is_free(world) is not removed
        await world.until(MONDAY + 65 * MINUTE)
        assert logins(world) == ["token"]
        events = {"HandoverRequested": 1, "HandedOver": 1, "HandoverIgnored": 1}
        assert told(world) == (events | {"HandedBack": 1} if removed else events)

    on_monday(tmp_path, then)


def test_over_the_weeks_boundary_it_ends_with_the_restarts_push_and_says_so_before(
    tmp_path: Path,
) -> None:
    saturday, restart = SATURDAY + timedelta(weeks=1), RESTART + timedelta(weeks=1)

    async def then(world: WeekWorld) -> None:
        await world.until(saturday)
        annotate(world, "20h")
        await world.until(saturday + 2 * MINUTE)
        assert is_free(world)
        assert "IBC is paused" not in (tmp_path / "run" / "gateway.log").read_text()
        assert "the return of the login costs a push" in note(world, "HandoverRequested")
        assert world.operator.stored()["status"]["handover"]["costsPush"] is True
        await world.until(restart - MINUTE)
        assert pushes(world) == SUNDAYS, "its time is over, and the restart's is not there yet"
        await world.until(restart + 5 * MINUTE)
        assert pushes(world) == [*SUNDAYS, restart]
        assert world.operator.condition("Ready") == "True Trading"

    on_monday(tmp_path, then)
