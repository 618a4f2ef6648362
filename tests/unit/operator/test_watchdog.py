"""The watchdog: a status that nobody keeps says so, and nothing else is ever said of it."""

import pytest

from ibgateway_api.names import Key
from ibgateway_operator.errors import ApiError, ApiUnavailableError, ConflictError
from ibgateway_operator.watchdog import LOOK_SECONDS, Watchdog, WatchdogSettings, settings_from
from ibgateway_runtime.clock import Clock
from ibgateway_runtime.errors import SettingsError
from operator_fakes import OperatorWorld

LEASE = "ibgateway-operator"


@pytest.fixture
def watchdog(trading: OperatorWorld) -> Watchdog:
    """Beside an operator that serves one gateway, which trades."""
    clock = Clock(now=lambda: trading.time, monotonic=lambda: trading.seconds)
    settings = WatchdogSettings(Key("default", LEASE), ("trading",))
    return Watchdog(settings, trading.api_server, clock)


async def looks(watchdog: Watchdog, world: OperatorWorld, seconds: float) -> list[str]:
    """What it writes in that time."""
    world.api_server.writes.clear()
    for _ in range(int(seconds / LOOK_SECONDS)):
        await watchdog.look()
        world.pass_time(LOOK_SECONDS)
    return list(world.api_server.writes)


async def test_an_operator_that_renews_its_lease_is_not_away(
    watchdog: Watchdog, trading: OperatorWorld
) -> None:
    for _ in range(20):
        assert await trading.app.leadership.attempt()
        assert await looks(watchdog, trading, 15) == []
    assert trading.condition("Ready") == "True Trading"


async def test_a_lease_that_stands_still_for_a_minute_makes_ready_unknown(
    watchdog: Watchdog, trading: OperatorWorld
) -> None:
    assert await trading.app.leadership.attempt()
    assert await looks(watchdog, trading, 60) == []
    assert await looks(watchdog, trading, 60) == ["status"]
    assert trading.condition("Ready") == "Unknown OperatorAway"
    message = trading.message("Ready")
    assert "Ready was True (Trading) last" in message
    assert "kubectl get pods -n trading -l ibgateway.dev/gateway=paper" in message


async def test_the_gate_and_every_other_condition_stay_as_they_were(
    watchdog: Watchdog, trading: OperatorWorld
) -> None:
    def others() -> list[object]:
        status = trading.stored()["status"]
        conditions = [c for c in status["conditions"] if c["type"] != "Ready"]
        pods = [body for place, body in trading.api_server.objects.items() if place[0] == "Pod"]
        return [{**status, "conditions": conditions}, *pods]

    before = others()
    assert await looks(watchdog, trading, 120) == ["status"]
    assert others() == before


async def test_where_there_never_was_a_lease_nobody_keeps_the_status(
    watchdog: Watchdog, trading: OperatorWorld
) -> None:
    assert await looks(watchdog, trading, 120) == ["status"]


async def test_the_operator_takes_it_back_with_its_next_look(
    watchdog: Watchdog, trading: OperatorWorld
) -> None:
    await looks(watchdog, trading, 120)
    trading.hear_again()
    assert await trading.app.leadership.attempt()
    assert await trading.reconcile() == ["status"]
    assert trading.condition("Ready") == "True Trading"
    assert await looks(watchdog, trading, 55) == []


async def test_an_operator_whose_work_stands_still_does_not_renew(
    watchdog: Watchdog, trading: OperatorWorld
) -> None:
    await looks(watchdog, trading, 30)
    await trading.app.leadership.renew(lambda: False)
    assert not trading.api_server.has("Lease", LEASE, "default")
    assert await looks(watchdog, trading, 60) == ["status"]


@pytest.mark.parametrize(
    "error", [ApiUnavailableError("no answer"), ApiError(403, "forbidden")], ids=str
)
async def test_a_watchdog_that_can_not_read_the_lease_says_nothing(
    watchdog: Watchdog, trading: OperatorWorld, error: ApiError
) -> None:
    assert await trading.app.leadership.attempt()
    await looks(watchdog, trading, 50)
    trading.api_server.refuse[f"get Lease {LEASE}"] = error
    assert await looks(watchdog, trading, 300) == []
    del trading.api_server.refuse[f"get Lease {LEASE}"]
    assert await looks(watchdog, trading, 55) == []


async def test_a_watchdog_that_can_not_list_tries_again(
    watchdog: Watchdog, trading: OperatorWorld
) -> None:
    trading.api_server.refuse["list IBGateway"] = ApiUnavailableError("no answer")
    assert await looks(watchdog, trading, 120) == []
    trading.api_server.refuse.clear()
    assert await looks(watchdog, trading, 5) == ["status"]


async def test_one_gateway_that_can_not_be_marked_holds_up_no_other(
    watchdog: Watchdog, trading: OperatorWorld
) -> None:
    second = Key("trading", "second")
    body = trading.stored()
    meta = {**body["metadata"], "name": second.name, "uid": "uid-second"}
    trading.api_server.put({**body, "metadata": meta})
    trading.api_server.refuse["status paper"] = ConflictError(409, "it has just changed")
    await looks(watchdog, trading, 70)
    assert trading.condition("Ready", second) == "Unknown OperatorAway"
    assert trading.condition("Ready") == "True Trading"
    trading.api_server.refuse.clear()
    assert await looks(watchdog, trading, 10) == ["status"]
    assert trading.condition("Ready") == "Unknown OperatorAway"


async def test_a_thousand_gateways_are_read_page_by_page_and_once_a_minute(
    watchdog: Watchdog, trading: OperatorWorld
) -> None:
    body = trading.stored()
    for number in range(4):
        meta = {**body["metadata"], "name": f"g{number}", "uid": f"uid-g{number}"}
        trading.api_server.put({**body, "metadata": meta})
    await looks(watchdog, trading, 60)
    trading.api_server.reads.clear()
    assert await looks(watchdog, trading, 60) == ["status"] * 5
    assert trading.api_server.reads.count("list IBGateway") == 3
    assert await looks(watchdog, trading, 60) == []
    assert trading.api_server.reads.count("list IBGateway") == 6


async def test_an_operator_that_was_back_and_goes_again_is_marked_again_at_once(
    watchdog: Watchdog, trading: OperatorWorld
) -> None:
    assert await looks(watchdog, trading, 65) == ["status"]
    trading.hear_again()
    assert await trading.app.leadership.attempt()
    assert await trading.reconcile() == ["status"]
    assert await looks(watchdog, trading, 60) == []
    assert await looks(watchdog, trading, 5) == ["status"]


async def test_a_gateway_without_a_status_is_left_alone(
    watchdog: Watchdog, trading: OperatorWorld
) -> None:
    body = trading.stored()
    del body["status"]
    trading.api_server.put(body)
    assert await looks(watchdog, trading, 120) == []


def test_its_settings_are_the_operators_own() -> None:
    env = {"WATCH_NAMESPACE": "desk,lab", "POD_NAMESPACE": "trading", "OPERATOR_LEASE": "first"}
    assert settings_from(env) == WatchdogSettings(Key("trading", "first"), ("desk", "lab"))
    assert settings_from({"WATCH_NAMESPACE": ""}).namespaces == ()
    with pytest.raises(SettingsError, match="WATCH_NAMESPACE"):
        settings_from({})
