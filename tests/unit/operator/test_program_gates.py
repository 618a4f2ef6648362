"""What programs of others are told of the gate they follow: as our executor is, and never in its way."""

import asyncio
from typing import Any

import pytest

from ibgateway_api.login import LoginState
from ibgateway_api.names import Key
from ibgateway_operator.act.programs import FLIGHT
from ibgateway_operator.errors import (
    ApiError,
    ApiUnavailableError,
    ConflictError,
    NotFoundError,
    OperatorError,
)
from ibgateway_operator.model.manifests import Manifest, condition_of
from operator_fakes import OperatorWorld, foreign_pod, ibgateway_body, operator_world, pod, report

GATE = "ibgateway.dev/trading-allowed"
LIVE = Key("trading", "live")
LATER = "2026-11-18T15:00:00Z"


def told(world: OperatorWorld, name: str = "bot-1") -> str:
    """The gate's condition on a pod, in words; empty where it has none."""
    found = condition_of(world.api_server.named("Pod", name), GATE)
    return f"{found['status']} {found['reason']}: {found['message']}" if found else ""


def opened(gateway: str = "paper") -> dict[str, str]:
    words = f"{gateway}: an order sent now goes to IBKR"
    return {"status": "True", "reason": "GateOpen", "message": words, "lastTransitionTime": LATER}


def labelled(world: OperatorWorld, gateway: str, name: str = "bot-1") -> None:
    """Somebody changes the label, or takes it away."""
    body = world.api_server.named("Pod", name)
    labels = {"app": "bot", **({"ibgateway.dev/gateway": gateway} if gateway else {})}
    world.api_server.put({**body, "metadata": {**body["metadata"], "labels": labels}})


class TestFollowing:
    async def test_a_program_is_told_what_the_executor_is_told_and_after_it(
        self, trading: OperatorWorld
    ) -> None:
        trading.api_server.put(foreign_pod())
        assert await trading.tell_programs() == ["condition True GateOpen bot-1"]
        assert told(trading) == "True GateOpen: paper: an order sent now goes to IBKR"
        trading.hear(report(LoginState.SESSION_CONFLICT, sequence=8))
        assert await trading.tell_programs() == [
            "condition False SessionConflict",
            "condition False SessionConflict bot-1",
        ]
        trading.hear(report(sequence=9))
        assert await trading.tell_programs() == [
            "condition True GateOpen",
            "condition True GateOpen bot-1",
        ]

    async def test_a_gate_that_moves_again_and_again_is_told_each_time(
        self, trading: OperatorWorld
    ) -> None:
        trading.api_server.put(foreign_pod())
        await trading.tell_programs()
        for number in range(8, 68, 2):
            trading.hear(report(LoginState.SESSION_CONFLICT, sequence=number))
            assert "condition False SessionConflict bot-1" in await trading.tell_programs()
            trading.hear(report(sequence=number + 1))
            assert "condition True GateOpen bot-1" in await trading.tell_programs()

    async def test_a_gate_that_closes_while_the_open_one_is_written_is_told_at_once(
        self, trading: OperatorWorld, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        trading.api_server.put(foreign_pod())
        trading.hear(report(LoginState.SESSION_CONFLICT, sequence=8))
        await trading.tell_programs()
        trading.silence_watches()
        write = trading.api_server.patch_pod_condition

        async def slowly(key: Key, condition: Manifest, *, uid: str = "") -> Manifest:
            stored = await write(key, condition, uid=uid)
            if uid and condition["status"] == "True":
                trading.hear(report(LoginState.SESSION_CONFLICT, sequence=10))
                await trading.app.gates.keep(trading.key)
            return stored

        monkeypatch.setattr(trading.api_server, "patch_pod_condition", slowly)
        trading.hear(report(sequence=9))
        await trading.tell_programs()
        assert told(trading).startswith("False SessionConflict")

    async def test_nothing_is_written_twice(self, trading: OperatorWorld) -> None:
        for number in range(20):
            trading.api_server.put(foreign_pod(f"bot-{number}"))
        assert len(await trading.tell_programs()) == 20
        for _ in range(3):
            trading.pass_time(61)
            trading.hear_again()
            assert await trading.tell_programs() == []

    async def test_it_is_not_written_again_before_the_watch_has_shown_it(
        self, trading: OperatorWorld
    ) -> None:
        trading.api_server.put(foreign_pod())
        trading.silence_watches()
        assert await trading.tell_programs() == ["condition True GateOpen bot-1"]
        assert await trading.tell_programs() == []

    async def test_conditions_of_its_own_stay(self, trading: OperatorWorld) -> None:
        trading.api_server.put(foreign_pod())
        await trading.tell_programs()
        kinds = [
            c["type"] for c in trading.api_server.named("Pod", "bot-1")["status"]["conditions"]
        ]
        assert kinds == ["example.com/mine", GATE]

    async def test_a_condition_that_somebody_else_wrote_is_put_right(
        self, trading: OperatorWorld
    ) -> None:
        trading.hear(report(LoginState.LOCKED_OUT, sequence=8))
        trading.api_server.put(foreign_pod(condition=opened()))
        assert "condition False LockedOut bot-1" in await trading.tell_programs()

    @pytest.mark.parametrize(
        "left_alone",
        [
            foreign_pod(phase="Succeeded", condition=opened()),
            foreign_pod(phase="Failed", condition=opened()),
            foreign_pod(deleted=LATER, condition=opened()),
            foreign_pod(gated=False),
        ],
        ids=["done", "failed", "leaving", "without the gate"],
    )
    async def test_who_is_left_as_it_is(self, trading: OperatorWorld, left_alone: Manifest) -> None:
        trading.api_server.put(left_alone)
        trading.hear(report(LoginState.LOCKED_OUT, sequence=8))
        assert await trading.tell_programs() == ["condition False LockedOut"]

    async def test_a_gateway_without_an_executor_has_programs_too(
        self, trading: OperatorWorld
    ) -> None:
        trading.api_server.remove("Pod", "paper-executor-abc")
        trading.api_server.put(foreign_pod())
        assert await trading.tell_programs() == ["condition True GateOpen bot-1"]

    @pytest.mark.parametrize(
        ("spec", "reason"),
        [
            ({"suspend": True}, "Suspended"),
            ({"gateway": {"readOnlyApi": True}}, "ReadOnlyApi"),
            ({"suspend": True, "weeklyRestart": {"timeZone": "Nowhere"}}, "Suspended"),
        ],
    )
    async def test_the_spec_closes_it_as_it_closes_the_executors(
        self, trading: OperatorWorld, spec: dict[str, Any], reason: str
    ) -> None:
        trading.api_server.put(foreign_pod())
        await trading.tell_programs()
        trading.edit(**spec)
        assert await trading.tell_programs() == [
            f"condition False {reason}",
            f"condition False {reason} bot-1",
        ]

    async def test_a_spec_that_was_never_accepted_says_nobody_is_heard(
        self, world: OperatorWorld
    ) -> None:
        world.edit(weeklyRestart={"timeZone": "Nowhere"})
        world.api_server.put(foreign_pod())
        await world.reconcile()
        assert await world.tell_programs() == ["condition False NoNews bot-1"]


class TestNobodysPods:
    """A person's pod with every label of ours is a program at most."""

    async def test_one_labelled_as_the_executor_does_not_become_it(
        self, trading: OperatorWorld
    ) -> None:
        labels = pod("executor")["metadata"]["labels"]
        trading.api_server.put(foreign_pod("aaa", uid="aaa", labels=labels))
        assert await trading.tell_programs() == ["condition True GateOpen aaa"]
        assert "Pod aaa" not in trading.children()
        assert await trading.reconcile() == []
        assert trading.condition("ExecutorReady") == "True PodReady"

    async def test_one_labelled_as_the_gateway_is_not_listened_to(
        self, world: OperatorWorld
    ) -> None:
        labels = pod("gateway")["metadata"]["labels"]
        body = foreign_pod("bot", gated=False, labels=labels)
        world.api_server.put({**body, "status": {"podIP": "10.9.9.9", "phase": "Running"}})
        await world.reconcile()
        assert not world.is_listening()


class TestMissing:
    async def test_a_name_that_no_gateway_has_closes_and_says_so(
        self, trading: OperatorWorld
    ) -> None:
        trading.api_server.put(foreign_pod(gateway="live"))
        assert await trading.tell_programs(LIVE) == ["condition False GatewayMissing bot-1"]
        assert told(trading).startswith("False GatewayMissing: live: there is no IBGateway of this")
        assert await trading.tell_programs(LIVE) == []

    async def test_the_api_server_is_asked_once(self, trading: OperatorWorld) -> None:
        trading.api_server.put(foreign_pod(gateway="live"))
        trading.api_server.reads.clear()
        for _ in range(3):
            await trading.tell_programs(LIVE)
        trading.api_server.put(foreign_pod("bot-2", gateway="live"))
        assert await trading.tell_programs(LIVE) == ["condition False GatewayMissing bot-2"]
        assert trading.api_server.reads == ["get IBGateway live"]

    async def test_one_that_no_watch_has_shown_yet_is_not_missing(
        self, trading: OperatorWorld
    ) -> None:
        trading.api_server.put(foreign_pod(gateway="live", condition=opened("live")))
        trading.silence_watches()
        trading.api_server.put(ibgateway_body(name="live", uid="uid-2"))
        assert await trading.tell_programs(LIVE) == []
        assert trading.next_look() == 1.0

    async def test_an_empty_label_names_no_gateway(self, trading: OperatorWorld) -> None:
        body = foreign_pod()
        labels = {**body["metadata"]["labels"], "ibgateway.dev/gateway": ""}
        trading.api_server.put({**body, "metadata": {**body["metadata"], "labels": labels}})
        trading.api_server.reads.clear()
        assert await trading.tell_programs(Key("trading", "")) == [
            "condition False GatewayMissing bot-1"
        ]
        assert trading.api_server.reads == []

    async def test_made_later_it_is_followed(self, trading: OperatorWorld) -> None:
        trading.api_server.put(foreign_pod(gateway="live"))
        await trading.tell_programs(LIVE)
        trading.api_server.put(ibgateway_body(name="live", uid="uid-2"))
        assert await trading.tell_programs(LIVE) == ["condition False NoNews bot-1"]

    async def test_a_gateway_that_is_deleted_closes_its_programs(
        self, trading: OperatorWorld
    ) -> None:
        trading.api_server.put(foreign_pod())
        await trading.tell_programs()
        trading.api_server.remove("IBGateway", "paper")
        assert await trading.tell_programs() == ["condition False GatewayMissing bot-1"]

    async def test_an_api_server_that_does_not_answer_says_nothing_of_it(
        self, trading: OperatorWorld
    ) -> None:
        trading.api_server.put(foreign_pod(gateway="live"))
        trading.api_server.refuse["get IBGateway live"] = ApiUnavailableError("away")
        with pytest.raises(ApiUnavailableError):
            await trading.tell_programs(LIVE)
        assert told(trading) == ""

    async def test_the_name_of_a_gateway_in_another_namespace_is_none_here(
        self, trading: OperatorWorld
    ) -> None:
        trading.api_server.put(ibgateway_body(name="live", namespace="other", uid="uid-2"))
        trading.api_server.put(foreign_pod(gateway="live"))
        assert await trading.tell_programs(LIVE) == ["condition False GatewayMissing bot-1"]


class TestLabels:
    async def test_one_that_loses_its_label_loses_the_condition(
        self, trading: OperatorWorld
    ) -> None:
        trading.api_server.put(foreign_pod())
        await trading.tell_programs()
        labelled(trading, "")
        assert await trading.tell_programs() == ["no condition bot-1"]
        assert told(trading) == ""
        assert await trading.tell_programs() == []

    async def test_one_that_has_its_label_again_keeps_it(self, trading: OperatorWorld) -> None:
        trading.api_server.put(foreign_pod())
        await trading.tell_programs()
        labelled(trading, "")
        labelled(trading, "paper")
        assert await trading.tell_programs() == []
        assert told(trading).startswith("True GateOpen")

    async def test_one_that_is_gone_is_looked_for_once(self, trading: OperatorWorld) -> None:
        trading.api_server.put(foreign_pod())
        await trading.tell_programs()
        trading.api_server.remove("Pod", "bot-1")
        trading.api_server.reads.clear()
        assert await trading.tell_programs() == []
        assert await trading.tell_programs() == []
        assert trading.api_server.reads == ["get Pod bot-1"]

    async def test_another_pod_of_its_name_is_not_touched(self, trading: OperatorWorld) -> None:
        trading.api_server.put(foreign_pod())
        await trading.tell_programs()
        trading.api_server.remove("Pod", "bot-1")
        trading.api_server.put(foreign_pod(uid="new", gateway="", condition=opened()))
        assert await trading.tell_programs() == []

    async def test_one_that_changes_while_its_condition_is_removed_is_looked_at_again(
        self, trading: OperatorWorld
    ) -> None:
        trading.api_server.put(foreign_pod())
        await trading.tell_programs()
        labelled(trading, "")
        trading.api_server.refuse["condition bot-1"] = ConflictError(409, "another version")
        again = await trading.app.programs.keep(Key("trading", "bot-1"))
        assert again is not None
        del trading.api_server.refuse["condition bot-1"]
        assert await trading.tell_programs() == ["no condition bot-1"]

    async def test_one_that_loses_its_label_while_it_is_told_loses_the_condition(
        self, trading: OperatorWorld
    ) -> None:
        trading.api_server.put(foreign_pod())
        trading.api_server.patched_late["bot-1"] = lambda: labelled(trading, "")
        assert await trading.tell_programs() == [
            "condition True GateOpen bot-1",
            "no condition bot-1",
        ]
        assert told(trading) == ""

    async def test_one_that_is_renamed_while_it_is_told_has_its_new_gate_judged(
        self, trading: OperatorWorld
    ) -> None:
        trading.api_server.put(foreign_pod())
        while len(trading.app.queues.fast):
            trading.app.queues.fast.done(await trading.app.queues.fast.take())
        trading.silence_watches()
        trading.api_server.patched_late["bot-1"] = lambda: labelled(trading, "live")
        await trading.tell_programs()
        async with asyncio.timeout(30):
            assert await trading.app.queues.fast.take() == LIVE
        assert await trading.tell_programs(LIVE) == ["condition False GatewayMissing bot-1"]


class TestAnotherGateway:
    """What one gateway has said is no word of another one."""

    async def second(self, world: OperatorWorld, **status: Any) -> None:
        world.api_server.put(ibgateway_body(name="live", uid="uid-2", **status))
        world.api_server.put(foreign_pod())
        await world.tell_programs()
        labelled(world, "live")

    async def test_it_follows_the_other_one(self, trading: OperatorWorld) -> None:
        await self.second(trading)
        assert await trading.tell_programs(LIVE) == ["condition False NoNews bot-1"]
        assert told(trading).startswith("False NoNews: live: ")
        trading.hear(report(LoginState.LOCKED_OUT, sequence=8))
        assert await trading.tell_programs() == ["condition False LockedOut"]

    async def test_it_is_closed_while_nothing_can_be_said_of_the_other_one(
        self, trading: OperatorWorld
    ) -> None:
        said = {"type": "Ready", "status": "True", "reason": "Trading", "message": "m"}
        status = {"conditions": [{**said, "lastTransitionTime": LATER, "observedGeneration": 3}]}
        trading.api_server.put(pod("gateway", gateway="live", uid="uid-g"))
        trading.api_server.put(foreign_pod("old", gateway="live", condition=opened("live")))
        await self.second(trading, status=status)
        assert await trading.tell_programs(LIVE) == ["condition False NoNews bot-1"]
        assert trading.next_look() > 1.0
        assert told(trading, "old").startswith("True GateOpen")


class TestRestart:
    async def test_a_restarted_operator_does_not_blink(self, trading: OperatorWorld) -> None:
        trading.api_server.put(foreign_pod())
        await trading.tell_programs()
        trading.start_again()
        assert await trading.tell_programs() == []
        assert told(trading).startswith("True GateOpen")
        trading.pass_time(60.1)
        assert await trading.tell_programs() == [
            "condition False NoNews",
            "condition False NoNews bot-1",
        ]

    async def test_a_gateway_that_was_made_again_has_not_opened_the_gate_of_the_old_one(
        self,
    ) -> None:
        async with operator_world(patience=5.0) as world:
            await world.reconcile()
            world.api_server.put(foreign_pod(condition=opened()))
            assert await world.tell_programs() == ["condition False NoNews bot-1"]

    async def test_a_label_that_went_while_nobody_was_there_is_found(
        self, trading: OperatorWorld
    ) -> None:
        for name in ("bot-1", "bot-2", "bot-3"):
            trading.api_server.put(foreign_pod(name, gateway="", condition=opened()))
        trading.api_server.put(foreign_pod("never", gateway=""))
        trading.api_server.put(foreign_pod("ended", gateway="", condition=opened(), phase="Failed"))
        await trading.app.programs.look_through("")
        wanted = {"no condition bot-1", "no condition bot-2", "no condition bot-3"}
        assert set(await trading.tell_programs()) == wanted

    async def test_who_loses_the_lease_forgets_what_was_said(self, trading: OperatorWorld) -> None:
        trading.api_server.put(foreign_pod())
        await trading.keep_gate()
        trading.app.programs.clear()
        await trading.app.programs.keep(Key("trading", "bot-1"))
        assert told(trading) == ""


class TestFight:
    async def test_somebody_else_who_writes_the_condition_too_is_answered_twenty_times_and_then_slowly(
        self, trading: OperatorWorld
    ) -> None:
        trading.hear(report(LoginState.LOCKED_OUT, sequence=8))
        await trading.tell_programs()
        for _ in range(20):
            trading.api_server.put(foreign_pod(condition=opened()))
            assert await trading.tell_programs() == ["condition False LockedOut bot-1"]
        trading.api_server.put(foreign_pod(condition=opened()))
        await trading.keep_gate()
        taking = asyncio.create_task(trading.app.queues.programs.take())
        for _ in range(5):
            await asyncio.sleep(0)
        assert not taking.done()
        taking.cancel()


class Refusing:
    """The API server answers some pods badly, or not at all."""

    def __init__(self, world: OperatorWorld, bad: dict[str, OperatorError | None]) -> None:
        self._real, self._bad = world.api_server.patch_pod_condition, bad
        self.asked: list[str] = []

    async def patch_pod_condition(
        self, key: Key, condition: Manifest, *, uid: str = ""
    ) -> Manifest:
        self.asked.append(key.name)
        if key.name in self._bad:
            error = self._bad[key.name]
            if error is None:
                await asyncio.Event().wait()
            else:
                raise error
        return await self._real(key, condition, uid=uid)


class TestTrouble:
    """What one pod runs into is not the others' matter."""

    @pytest.mark.parametrize(
        "error",
        [
            NotFoundError(404, "not there"),
            ConflictError(409, "another uid"),
            ApiError(403, "forbidden"),
            ApiUnavailableError("away"),
            None,
        ],
        ids=["404", "409", "403", "away", "never answered"],
    )
    async def test_the_others_and_the_executor_are_told(
        self, trading: OperatorWorld, monkeypatch: pytest.MonkeyPatch, error: OperatorError | None
    ) -> None:
        names = [f"bot-{number:02d}" for number in range(2 * FLIGHT)]
        for name in names:
            trading.api_server.put(foreign_pod(name))
        bad = {names[0]: error, names[1]: error}
        refusing = Refusing(trading, bad)
        monkeypatch.setattr(trading.api_server, "patch_pod_condition", refusing.patch_pod_condition)
        trading.hear(report(LoginState.LOCKED_OUT, sequence=8))
        assert await trading.keep_gate() == ["condition False LockedOut"]
        working = asyncio.create_task(trading.app.programs.work(()))
        async with asyncio.timeout(30):
            while any(not told(trading, name) for name in names[2:]):  # noqa: ASYNC110 - a store tells nobody
                await asyncio.sleep(0)
        assert refusing.asked[0] == "paper-executor-abc"
        trading.hear(report(sequence=9))
        assert await trading.keep_gate() == ["condition True GateOpen"]
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)

    async def test_an_executor_that_can_not_be_written_holds_up_no_program(
        self, trading: OperatorWorld, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        trading.api_server.put(foreign_pod())
        refusing = Refusing(trading, {"paper-executor-abc": ApiUnavailableError("away")})
        monkeypatch.setattr(trading.api_server, "patch_pod_condition", refusing.patch_pod_condition)
        trading.hear(report(LoginState.LOCKED_OUT, sequence=8))
        with pytest.raises(ApiUnavailableError):
            await trading.keep_gate()
        await trading.app.programs.keep(Key("trading", "bot-1"))
        assert told(trading).startswith("False LockedOut")

    async def test_one_that_is_never_answered_leaves_the_lane(
        self, trading: OperatorWorld, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        trading.api_server.put(foreign_pod())
        refusing = Refusing(trading, {"bot-1": None})
        monkeypatch.setattr(trading.api_server, "patch_pod_condition", refusing.patch_pod_condition)
        monkeypatch.setattr("ibgateway_operator.act.programs.PATCH_SECONDS", 0.0)
        await trading.keep_gate()
        with pytest.raises(ApiUnavailableError, match="no answer within"):
            await trading.app.programs.keep(Key("trading", "bot-1"))

    async def test_one_that_failed_is_told_what_holds_then(self, trading: OperatorWorld) -> None:
        trading.api_server.put(foreign_pod())
        trading.api_server.refuse["condition bot-1"] = ApiError(403, "forbidden")
        with pytest.raises(ApiError):
            await trading.tell_programs()
        del trading.api_server.refuse["condition bot-1"]
        trading.hear(report(LoginState.LOCKED_OUT, sequence=8))
        await trading.keep_gate()
        await trading.app.programs.keep(Key("trading", "bot-1"))
        assert told(trading).startswith("False LockedOut")


async def test_who_begins_to_work_tells_everyone_also_those_whose_gateway_is_not_there(
    trading: OperatorWorld,
) -> None:
    trading.api_server.put(foreign_pod(gateway="nobody"))
    trading.api_server.put(foreign_pod("bot-2", gateway="", condition=opened()))
    while len(trading.app.queues.fast):
        trading.app.queues.fast.done(await trading.app.queues.fast.take())

    async def listed() -> None:
        return

    trading.app.start(listed)
    async with asyncio.timeout(30):
        while not told(trading) or told(trading, "bot-2"):  # noqa: ASYNC110 - a store tells nobody
            await asyncio.sleep(0)
    assert told(trading).startswith("False GatewayMissing")
    await trading.app.stop()
