"""What only watches that lag can show: the past is not taken for the present, nor ours for another's."""

from ibgateway_api.login import LoginState
from operator_fakes import OperatorWorld, ibgateway_body, report

SERVICE = ("Service", "paper-novnc")
LATER = "2026-11-18T15:00:00Z"


def recreate(world: OperatorWorld) -> None:
    """Somebody deletes the IBGateway and makes it again; its children go a moment later."""
    world.api_server.remove("IBGateway", "paper")
    world.api_server.put(ibgateway_body(uid="uid-2", created=LATER))


class TestOwnWrites:
    async def test_children_that_no_watch_has_shown_are_not_applied_again(
        self, created: OperatorWorld
    ) -> None:
        assert len(await created.reconcile()) == 23
        assert await created.reconcile() == []
        created.deliver()
        assert await created.reconcile() == []

    async def test_each_watch_may_show_its_part_at_its_own_time(
        self, created: OperatorWorld
    ) -> None:
        await created.reconcile()
        for kind in ("StatefulSet", "IBGateway", "Service", "ConfigMap", "Deployment"):
            assert created.deliver(kind=kind) != []
            assert await created.reconcile() == []

    async def test_a_change_of_settings_is_written_once(self, lagging: OperatorWorld) -> None:
        lagging.edit(login={"maxAttempts": 1})
        assert await lagging.reconcile() == []
        lagging.deliver()
        writes = ["apply ConfigMap paper-gateway", "annotate paper-gateway-0", "status"]
        assert await lagging.reconcile() == writes
        assert await lagging.reconcile() == []
        lagging.deliver(1)
        assert await lagging.reconcile() == []

    async def test_the_pods_condition_is_written_once(self, lagging: OperatorWorld) -> None:
        lagging.hear(report(LoginState.SESSION_CONFLICT, sequence=8))
        assert await lagging.keep_gate() == ["condition False SessionConflict"]
        assert await lagging.keep_gate() == []
        assert lagging.deliver() != []
        assert await lagging.keep_gate() == []

    async def test_a_login_request_is_handed_on_once(self, lagging: OperatorWorld) -> None:
        lagging.request_login("2026-11-18T14:59:30Z")
        lagging.deliver()
        await lagging.reconcile()
        assert await lagging.reconcile() == []
        assert len(lagging.http.posted) == 1

    async def test_what_somebody_else_wrote_after_us_is_seen(self, lagging: OperatorWorld) -> None:
        lagging.hear(report(LoginState.SESSION_CONFLICT, sequence=8))
        await lagging.reconcile()
        lagging.edit(suspend=True)
        lagging.deliver()
        await lagging.reconcile()
        assert lagging.condition("Ready") == "False Suspended"

    async def test_a_second_status_is_not_written_again(self, lagging: OperatorWorld) -> None:
        lagging.hear(report(LoginState.SESSION_CONFLICT, sequence=8))
        assert "status" in await lagging.reconcile()
        lagging.hear(report(LoginState.CONNECTION_LOST, sequence=9))
        assert "status" in await lagging.reconcile()
        assert await lagging.reconcile() == []

    async def test_a_login_request_is_handed_on_once_although_the_login_goes_on(
        self, lagging: OperatorWorld
    ) -> None:
        lagging.request_login("2026-11-18T14:59:30Z")
        lagging.deliver()
        await lagging.reconcile()
        lagging.hear(report(LoginState.LOGGING_IN, sequence=8))
        await lagging.reconcile()
        await lagging.reconcile()
        assert len(lagging.http.posted) == 1

    async def test_a_gate_that_closes_again_is_closed_on_the_pod(
        self, lagging: OperatorWorld
    ) -> None:
        lagging.hear(report(LoginState.SESSION_CONFLICT, sequence=8))
        await lagging.keep_gate()
        lagging.deliver()
        lagging.hear(report(sequence=9))
        assert await lagging.keep_gate() == ["condition True GateOpen"]
        lagging.edit(executor={"accounts": ["DU1234567"]})
        lagging.deliver(kind="IBGateway")
        assert "annotate paper-executor-abc" in await lagging.reconcile()
        lagging.hear(report(LoginState.SESSION_CONFLICT, sequence=10))
        assert await lagging.keep_gate() == ["condition False SessionConflict"]

    async def test_a_child_that_is_no_longer_wanted_is_deleted_once(
        self, lagging: OperatorWorld
    ) -> None:
        lagging.edit(novnc={"enabled": False})
        lagging.deliver()
        assert len([w for w in await lagging.reconcile() if w.startswith("delete")]) == 4
        assert await lagging.reconcile() == []


class TestRecreatedGateway:
    async def test_nothing_is_made_for_the_new_one_in_the_old_ones_name(
        self, lagging: OperatorWorld
    ) -> None:
        recreate(lagging)
        assert await lagging.reconcile() == []
        lagging.api_server.collect_garbage()
        lagging.deliver()
        assert len([w for w in await lagging.reconcile() if w.startswith("apply")]) == 17
        (owner,) = lagging.api_server.named(*SERVICE)["metadata"]["ownerReferences"]
        assert owner["uid"] == "uid-2"

    async def test_the_old_ones_children_are_left_alone_until_they_are_gone(
        self, lagging: OperatorWorld
    ) -> None:
        recreate(lagging)
        lagging.deliver()
        writes = await lagging.reconcile()
        assert [w for w in writes if not w.startswith(("status", "create Event"))] == []
        lagging.pass_time(6)
        await lagging.reconcile()
        assert lagging.condition("Ready") == "False ForeignObject"
        lagging.api_server.collect_garbage()
        lagging.deliver()
        await lagging.reconcile()
        assert len(lagging.children()) == 22

    async def test_the_new_ones_status_is_not_the_old_ones(self, lagging: OperatorWorld) -> None:
        recreate(lagging)
        lagging.hear(report(accounts=("DU1234567", "DU2"), sequence=8))
        await lagging.reconcile()
        assert lagging.stored().get("status", {}) == {}

    async def test_of_an_old_and_a_new_one_the_new_one_is_served(
        self, lagging: OperatorWorld
    ) -> None:
        recreate(lagging)
        lagging.api_server.informer.waiting.reverse()
        (event,) = lagging.deliver(1)
        assert event.type == "ADDED"
        assert lagging.gateway_uid() == "uid-2"
        lagging.deliver()
        assert lagging.gateway_uid() == "uid-2"

    async def test_nothing_of_the_old_one_is_remembered(self, lagging: OperatorWorld) -> None:
        recreate(lagging)
        lagging.api_server.collect_garbage()
        lagging.deliver()
        await lagging.reconcile()
        assert lagging.remembered_owners() == {"uid-2"}


class TestDeletedChild:
    async def test_it_comes_back_once_the_watch_has_shown_its_end(
        self, lagging: OperatorWorld
    ) -> None:
        lagging.api_server.remove(*SERVICE)
        assert await lagging.reconcile() == []
        lagging.deliver()
        assert await lagging.reconcile() == ["apply Service paper-novnc"]
        assert await lagging.reconcile() == []
        lagging.deliver()
        assert await lagging.reconcile() == []

    async def test_before_our_write_is_stored_it_is_made_anew_by_it(
        self, lagging: OperatorWorld
    ) -> None:
        lagging.edit(login={"maxAttempts": 1})
        lagging.deliver()
        lagging.api_server.remove("ConfigMap", "paper-gateway")
        assert "apply ConfigMap paper-gateway" in await lagging.reconcile()
        lagging.deliver()
        await lagging.reconcile()
        assert lagging.api_server.has("ConfigMap", "paper-gateway")
        lagging.deliver()
        assert await lagging.reconcile() == []

    async def test_the_end_of_the_old_one_does_not_hide_the_new_one(
        self, lagging: OperatorWorld
    ) -> None:
        lagging.edit(login={"maxAttempts": 1})
        lagging.deliver()
        lagging.api_server.remove("ConfigMap", "paper-gateway")
        await lagging.reconcile()
        (event,) = lagging.deliver(1)
        assert event.type == "DELETED"
        assert await lagging.reconcile() == []

    async def test_before_our_writes_answer_it_comes_back(self, lagging: OperatorWorld) -> None:
        def somebody_deletes() -> None:
            lagging.api_server.remove("ConfigMap", "paper-gateway")

        lagging.edit(login={"maxAttempts": 1})
        lagging.deliver()
        lagging.api_server.meanwhile["ConfigMap paper-gateway"] = somebody_deletes
        await lagging.reconcile()
        assert not lagging.api_server.has("ConfigMap", "paper-gateway")
        lagging.deliver()
        await lagging.reconcile()
        assert lagging.api_server.has("ConfigMap", "paper-gateway")

    async def test_shown_before_our_writes_answer_it_comes_back(
        self, lagging: OperatorWorld
    ) -> None:
        def somebody_deletes() -> None:
            lagging.api_server.remove("ConfigMap", "paper-gateway")
            lagging.deliver()

        lagging.edit(login={"maxAttempts": 1})
        lagging.deliver()
        lagging.api_server.meanwhile["ConfigMap paper-gateway"] = somebody_deletes
        await lagging.reconcile()
        assert not lagging.api_server.has("ConfigMap", "paper-gateway")
        await lagging.reconcile()
        assert lagging.api_server.has("ConfigMap", "paper-gateway")

    async def test_a_new_one_shown_before_our_writes_answer_comes_back(
        self, created: OperatorWorld
    ) -> None:
        def somebody_deletes() -> None:
            created.api_server.remove(*SERVICE)
            created.deliver()

        created.api_server.meanwhile["Service paper-novnc"] = somebody_deletes
        await created.reconcile()
        assert not created.api_server.has(*SERVICE)
        created.deliver()
        await created.reconcile()
        assert created.api_server.has(*SERVICE)
