"""Two pushes never wait at once for one person: whose turn it is, in which order, through restarts and misses."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ibgateway_api.login import LoginState
from ibgateway_api.names import Key
from ibgateway_api.reports import ExecutorReport, PermitReport, SentinelReport, TurnReport
from ibgateway_api.requests import TurnRequest
from ibgateway_api.spec import IBGatewaySpec
from ibgateway_operator.decide.turns import person_of
from ibgateway_operator.model.turns import Turn, TurnRank, Turns, WaitingPush
from ibgateway_runtime.http_client import Endpoint
from operator_fakes import OperatorWorld, ibgateway_body, pod, report
from operator_fakes.http_client import FakeHttpClient

NOW = datetime(2026, 11, 22, 14, 0, 1, tzinfo=UTC)
"""A second after the weekly restart, 09:00 New York on a Sunday."""
HOLD = timedelta(minutes=16)
DRAINED = ExecutorReport(open=False, unacknowledged=0).to_json().encode()
A, B, C = (Key("trading", name) for name in "abc")


def push(seconds: float = 0, rank: TurnRank = TurnRank.PLANNED) -> WaitingPush:
    return WaitingPush(rank, NOW + timedelta(seconds=seconds))


def see(
    turns: Turns, key: Key, wanted: WaitingPush | None, held: datetime | None = None
) -> set[Key]:
    return turns.see(key, "anna", push=wanted, held_until=held)


def test_who_waits_longest_goes_first_and_a_person_before_all() -> None:
    turns = Turns()
    see(turns, A, push(0))
    see(turns, B, push(1))
    see(turns, C, push(2, TurnRank.PERSON))
    assert [turns.place(k, NOW, None).ahead for k in (A, B, C)] == [C, A, None]
    assert [turns.may_push(k, NOW) for k in (A, B, C)] == [False, False, True]


def test_nobody_goes_while_a_push_waits_and_a_person_neither() -> None:
    turns = Turns()
    see(turns, A, None, NOW + timedelta(minutes=3))
    see(turns, B, push(0, TurnRank.PERSON))
    place = turns.place(B, NOW, None)
    assert (place.ahead, place.free_at) == (A, NOW + timedelta(minutes=3))
    assert not turns.may_push(B, NOW)
    assert turns.may_push(B, NOW + timedelta(minutes=3))


@pytest.mark.parametrize("gone", [True, False], ids=["deleted", "wants nothing"])
def test_who_is_gone_holds_up_nobody(gone: bool) -> None:
    turns = Turns()
    see(turns, A, push(0), NOW + timedelta(hours=1))
    see(turns, B, push(1))
    assert not turns.may_push(B, NOW)
    assert B in (turns.forget(A) if gone else see(turns, A, None))
    assert turns.may_push(B, NOW)


def test_other_people_are_nobodys_business() -> None:
    turns = Turns()
    turns.see(A, "anna", push=push(), held_until=NOW + timedelta(hours=1))
    turns.see(B, "ben", push=push(), held_until=None)
    assert turns.may_push(B, NOW)
    assert not turns.place(B, NOW, None).shared
    turns.see(B, "anna", push=push(), held_until=None)
    assert turns.place(B, NOW, None).shared
    assert not turns.may_push(B, NOW)


def test_only_those_are_looked_at_again_whom_it_concerns() -> None:
    turns = Turns()
    assert see(turns, A, None) == set()
    assert see(turns, B, None) == {A}, "the two have one person: their settings say so"
    assert see(turns, C, None) == set()
    assert see(turns, A, push()) == set()
    assert see(turns, A, push()) == set()
    assert see(turns, B, None, NOW) == {A}
    assert see(turns, B, None, NOW) == set()


def test_an_operator_that_starts_again_reads_who_waits_and_whose_push_may() -> None:
    def stored(key: Key, **status: Any) -> dict[str, Any]:
        return ibgateway_body(name=key.name, status=status)

    turns = Turns()
    until = "2026-11-22T14:05:00Z"
    given = {"person": "anna", "id": "t1", "until": until, "since": "2026-11-22T13:59:00Z"}
    turns.begin(
        [
            stored(C, turn={"person": "anna", "since": "2026-11-22T13:59:59Z"}),
            stored(B, turn={"person": "anna", "since": "2026-11-22T13:59:58Z"}),
            stored(A, turn=given),
        ],
        HOLD,
    )
    assert [turns.place(k, NOW, None).ahead for k in (B, C)] == [A, B]
    assert turns.may_push(B, datetime(2026, 11, 22, 14, 21, tzinfo=UTC))


def test_a_thousand_gateways_of_a_hundred_people_are_not_compared() -> None:
    turns = Turns()
    for number in range(1000):
        key = Key("trading", f"g{number}")
        turns.see(key, f"p{number % 100}", push=push(number), held_until=None)
    looked_at = turns.see(Key("trading", "g7"), "p7", push=None, held_until=None)
    assert looked_at == {Key("trading", f"g{n}") for n in range(107, 1000, 100)}


@pytest.mark.parametrize(
    ("spec", "person"),
    [
        ({}, ""),
        ({"login": {"person": "anna"}}, "anna"),
        ({"notifications": {"secretRef": {"name": "phone"}}}, "trading/phone"),
        (
            {"login": {"person": "anna"}, "notifications": {"secretRef": {"name": "phone"}}},
            "anna",
        ),
    ],
)
def test_who_approves(spec: dict[str, Any], person: str) -> None:
    whole = IBGatewaySpec.model_validate({"credentialsSecretRef": {"name": "c"}, **spec})
    assert person_of(whole, A) == person


class Sentinels(FakeHttpClient):
    """The sentinels of all gateways: what they were told, by gateway."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[str, str, str]] = []

    async def post(self, endpoint: Endpoint, path: str, body: str) -> bytes:
        name = endpoint.host.split("-gateway-0")[0]
        self.told.append((name, path.removeprefix("/v1/"), body))
        return await super().post(endpoint, path, body)


class Household:
    """One person with many gateways, all logged in since a week ago; IBKR's side is played here."""

    def __init__(self, count: int) -> None:
        self.http = Sentinels()
        self.http.answers["/v1/gate"] = DRAINED
        self.world = OperatorWorld(http=self.http)
        self.names = [f"g{number}" for number in range(count)]
        self.reports: dict[str, SentinelReport] = {}
        self.turns: dict[str, TurnReport] = {}
        self.pushed: list[str] = []
        self.waiting: set[str] = set()
        self.heard = 0

    def key(self, name: str) -> Key:
        return Key("trading", name)

    async def begin(self) -> None:
        for name in self.names:
            spec = {
                "login": {"person": "anna"},
                "credentialsSecretRef": {"name": f"{name}-ib"},
            }
            self.world.api_server.put(ibgateway_body(spec, name=name, uid=f"uid-{name}"))
            self.world.secret(f"{name}-ib", IB_USERNAME=name, IB_PASSWORD="x", VNC_PASSWORD="hid")
        self.world.deliver()
        await self.look()
        for name in self.names:
            for component in ("gateway", "executor", "novnc"):
                self.world.api_server.put(pod(component, gateway=name, uid=f"{component}-{name}"))
            self.says(name, report())
        self.world.deliver()
        for _ in range(3):
            await self.look()

    def says(self, name: str, said: SentinelReport) -> None:
        self.heard += 1
        whole = said.model_copy(update={"sequence": self.heard + 100, "turn": self.turns.get(name)})
        self.reports[name] = whole
        self.world.key = self.key(name)
        self.world.hear(whole)

    async def look(self) -> None:
        """Every gateway is reconciled, and what was asked of a sentinel comes about."""
        for name in self.names:
            self.world.key = self.key(name)
            if name in self.reports:
                self.world.hear(self.reports[name])
            await self.world.reconcile()
            self.world.deliver()
            self.carry_out()

    def carry_out(self) -> None:
        told, self.http.told = self.http.told, []
        for name, what, body in told:
            if what == "turns":
                turn = TurnRequest.model_validate_json(body)
                self.turns[name] = TurnReport(id=turn.id)
                self.says(name, self.reports[name])
            elif what in ("restarts", "login-requests"):
                if name in self.waiting:
                    continue
                assert name in self.turns, "a push without its turn"
                assert not self.turns[name].over, "a turn is used once"
                assert not self.waiting, f"{name} pushes while {self.waiting} waits"
                self.waiting.add(name)
                self.pushed.append(name)
                deadline = self.world.time + timedelta(minutes=3)
                self.says(
                    name,
                    report(
                        LoginState.AWAITING_APPROVAL,
                        since=self.world.time,
                        deadline=deadline,
                        taken_restart="2026-11-22T06:00:00Z",
                    ),
                )

    def ends(self, name: str, state: LoginState) -> None:
        """The push is approved, or missed."""
        self.waiting.discard(name)
        self.turns[name] = TurnReport(id=self.turns[name].id, over=True)
        full = self.world.time if state is LoginState.LOGGED_IN else None
        self.says(
            name,
            report(
                state,
                since=self.world.time,
                full_auth_time=full or datetime(2026, 11, 15, 14, 3, tzinfo=UTC),
                taken_restart="2026-11-22T06:00:00Z",
            ),
        )

    def status(self, name: str) -> dict[str, Any]:
        stored = self.world.api_server.named("IBGateway", name)
        found: dict[str, Any] = stored["status"]["turn"]
        return found


@asynccontextmanager
async def household(count: int) -> AsyncIterator[Household]:
    house = Household(count)
    await house.begin()
    house.world.set_time(NOW)
    try:
        yield house
    finally:
        await house.world.stop()


@pytest.fixture
async def four() -> AsyncIterator[Household]:
    async with household(4) as house:
        yield house


@pytest.fixture
async def ten() -> AsyncIterator[Household]:
    async with household(10) as house:
        yield house


async def test_ten_weekly_restarts_at_nine_go_one_after_the_other(ten: Household) -> None:
    """The person takes three minutes for each; the last one begins long after a lone one would ask."""
    for done in range(10):
        for _ in range(3):
            await ten.look()
        assert len(ten.pushed) == done + 1
        for _ in range(2):
            await ten.look()
        assert len(ten.pushed) == done + 1, "nobody else while it waits"
        ten.world.pass_time(170)
        ten.ends(ten.pushed[-1], LoginState.LOGGED_IN)
    assert sorted(ten.pushed) == sorted(ten.names)
    assert all(ten.status(name).get("since") is None for name in ten.names[:9])


async def test_the_order_is_in_the_status(four: Household) -> None:
    for _ in range(4):
        await four.look()
    first = four.pushed[0]
    waiting = {n: s["behind"] for n in four.names if (s := four.status(n)).get("behind")}
    assert len(waiting) == 3
    assert list(waiting.values()).count(f"trading/{first}") == 1
    assert len(set(waiting.values())) == 3, "each waits behind another one"
    four.world.key = four.key(next(iter(waiting)))
    assert "because anna approves both" in four.world.message("OutsideRestartWindow")
    assert four.world.condition("OutsideRestartWindow") == "False RestartWindow"


async def test_a_missed_push_gives_the_turn_on(four: Household) -> None:
    for _ in range(3):
        await four.look()
    missed = four.pushed[0]
    four.world.pass_time(180)
    four.ends(missed, LoginState.APPROVAL_MISSED)
    for _ in range(3):
        await four.look()
    assert len(four.pushed) == 2
    assert four.pushed[1] != missed


async def test_a_sentinel_that_falls_silent_with_its_turn_gives_it_on_in_the_end(
    four: Household,
) -> None:
    for _ in range(3):
        await four.look()
    lost = four.pushed[0]
    four.waiting.clear()
    four.world.pass_time(5 * 60)
    for _ in range(2):
        await four.look()
    assert len(four.pushed) == 1, "its attempt may have begun at the last moment"
    four.says(lost, report(LoginState.UNKNOWN))
    four.world.pass_time(4 * 60 + 1)
    for _ in range(3):
        await four.look()
    assert len(four.pushed) == 2


async def test_an_operator_that_starts_again_gives_no_second_turn(four: Household) -> None:
    for _ in range(2):
        await four.look()
    for _ in range(3):
        four.world.start_again()
        for _ in range(3):
            await four.look()
    assert len(four.pushed) == 1
    four.ends(four.pushed[0], LoginState.LOGGED_IN)
    for _ in range(3):
        await four.look()
    assert len(four.pushed) == 2


async def test_a_person_goes_before_what_is_planned_and_not_over_a_push_that_waits(
    four: Household,
) -> None:
    for _ in range(3):
        await four.look()
    (first,) = four.pushed
    last = [name for name in four.names if name != first][-1]
    four.world.key = four.key(last)
    four.world.annotate("login-requested-at", "2026-11-22T14:00:01Z")
    four.world.deliver()
    for _ in range(3):
        await four.look()
    assert four.pushed == [first]
    four.ends(first, LoginState.LOGGED_IN)
    for _ in range(3):
        await four.look()
    assert four.pushed == [first, last]


@pytest.mark.parametrize("how", ["deleted", "suspended"])
async def test_a_gateway_that_goes_holds_up_nobody(four: Household, how: str) -> None:
    for _ in range(3):
        await four.look()
    (first,) = four.pushed
    four.world.key = four.key(first)
    if how == "deleted":
        four.world.api_server.remove("IBGateway", first)
        four.names.remove(first)
        four.world.deliver()
        await four.world.reconcile()
    else:
        four.world.edit(suspend=True)
    four.waiting.clear()
    for _ in range(4):
        await four.look()
    assert len(four.pushed) == 2


async def test_a_start_that_waits_for_its_turn_gets_it(four: Household) -> None:
    four.world.set_time(datetime(2026, 11, 18, 15, 0, tzinfo=UTC))
    waits = PermitReport(refusal="AwaitsTurn")
    for name in ("g1", "g3"):
        four.says(name, report(LoginState.WAITING_FOR_PERMIT, waiting=waits))
    for _ in range(4):
        await four.look()
    assert sorted(four.turns) in (["g1"], ["g3"])
    (first,) = four.turns
    four.ends(first, LoginState.LOGGED_IN)
    for _ in range(4):
        await four.look()
    assert sorted(four.turns) == ["g1", "g3"]


def test_a_lone_gateway_waits_for_nobody() -> None:
    turns = Turns()
    see(turns, A, push())
    place = turns.place(A, NOW, Turn("t", NOW))
    assert (place.shared, place.ahead) == (False, None)
