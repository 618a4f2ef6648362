"""Secrets: user names that must differ, tokens that are made once, and nothing of them in public."""

import asyncio
import json
from collections import Counter

import pytest

from ibgateway_api.login import LoginState
from ibgateway_api.names import Component, Key
from ibgateway_operator.errors import ApiError, ApiUnavailableError
from ibgateway_operator.model.kinds import Kind
from ibgateway_operator.model.manifests import Manifest
from operator_fakes import LIVE, OperatorWorld, ibgateway_body, pod, report


async def test_two_gateways_never_share_a_user_name(world: OperatorWorld) -> None:
    younger = ibgateway_body(name="second", uid="uid-2", created="2026-11-02T00:00:00Z")
    world.api_server.put(younger)
    await world.reconcile(Key("trading", "second"))
    assert world.condition("Ready", Key("trading", "second")) == "False DuplicateUserName"
    assert world.replicas("StatefulSet", "second-gateway") == 0
    await world.reconcile()
    assert world.replicas("StatefulSet", "paper-gateway") == 1


async def test_two_that_are_reconciled_side_by_side_never_share_one(
    world: OperatorWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The younger one waits for the look at the older one's Secret that is under way."""
    second, younger = Key("trading", "second"), ibgateway_body(name="second", uid="uid-2")
    younger["metadata"]["creationTimestamp"] = "2026-11-02T00:00:00Z"
    younger["spec"]["credentialsSecretRef"] = {"name": "other"}
    world.secret("other", IB_USERNAME="someone", IB_PASSWORD="canary")
    world.api_server.put(younger)
    looks = _slow_looks(world, monkeypatch, "ib-credentials")
    reconcile = world.app.reconciler.reconcile
    await asyncio.gather(reconcile(world.key), reconcile(second))
    assert world.replicas("StatefulSet", "second-gateway") == 0
    assert world.replicas("StatefulSet", "paper-gateway") == 1
    assert looks == {"ib-credentials": 1, "other": 1}


def _slow_looks(
    world: OperatorWorld, monkeypatch: pytest.MonkeyPatch, slow: str = ""
) -> Counter[str]:
    """How often each Secret of credentials is asked for; the answers take a moment, one takes long."""
    looks: Counter[str] = Counter()
    get = world.api_server.get

    async def asked(kind: Kind, key: Key) -> Manifest:
        if kind.kind == "Secret" and "token" not in key.name:
            looks[key.name] += 1
            for _ in range(200 if key.name == slow else 2):
                await asyncio.sleep(0)
        return await get(kind, key)

    monkeypatch.setattr(world.api_server, "get", asked)
    return looks


async def test_a_new_gateway_costs_one_look_at_a_secret(world: OperatorWorld) -> None:
    await world.reconcile()
    assert world.api_server.reads == ["get Secret ib-credentials"]


async def test_one_that_waits_for_its_turn_behind_many_costs_no_second_look(
    world: OperatorWorld,
) -> None:
    second = ibgateway_body(name="second", uid="uid-second")
    second["spec"]["credentialsSecretRef"] = {"name": "other"}
    world.secret("other", IB_USERNAME="another", IB_PASSWORD="canary")
    world.api_server.put(second)
    await world.reconcile()
    world.pass_time(120.0)
    await world.reconcile(Key("trading", "second"))
    assert sorted(world.api_server.reads) == ["get Secret ib-credentials", "get Secret other"]


async def test_a_secret_that_can_not_be_read_is_waited_for_once_and_not_by_each_of_the_others(
    world: OperatorWorld,
) -> None:
    """While the API server answers nobody in time, a thousand gateways would wait for it one after the other."""
    older = ibgateway_body(name="older", uid="uid-older", created="2026-10-01T00:00:00Z")
    older["spec"]["credentialsSecretRef"] = {"name": "slow"}
    world.api_server.put(older)
    world.api_server.refuse["get Secret slow"] = ApiUnavailableError("no answer in 15 s")
    for _ in range(3):
        await world.reconcile()
        world.pass_time(15.0)
    assert world.api_server.reads.count("get Secret slow") == 1
    await world.reconcile(Key("trading", "older"))
    assert world.api_server.reads.count("get Secret slow") == 2


async def test_user_names_of_gateways_that_are_gone_are_forgotten(world: OperatorWorld) -> None:
    await world.reconcile()
    assert [*world.app.reconciler.observer.users.known().values()] == [{world.key}]
    world.api_server.remove("IBGateway", "paper")
    world.deliver()
    await world.reconcile()
    assert world.app.reconciler.observer.users.known() == {}


async def test_a_user_name_that_was_taken_out_of_the_secret_is_forgotten(
    world: OperatorWorld,
) -> None:
    await world.reconcile()
    world.secret(IB_PASSWORD="canary-password")
    world.pass_time(3961)
    await world.reconcile()
    assert world.app.reconciler.observer.users.known() == {}


@pytest.mark.parametrize(
    ("password", "condition"),
    [
        ('canary\\ "pass\'word" €', "CredentialsUnusable not given"),
        (" canary ", "CredentialsUnusable not given"),
        ("canary\n", "CredentialsUnusable not given"),
        ("canary\r\n", "CredentialsUnusable not given"),
        ("cana\nry", "False CredentialsUnusable"),
        ("canary\tx", "False CredentialsUnusable"),
        ("canary\0", "False CredentialsUnusable"),
        ("", "False CredentialsMissing"),
        ("\n", "False CredentialsMissing"),
    ],
)
async def test_a_password_that_no_login_window_takes_costs_no_attempt(
    world: OperatorWorld, password: str, condition: str
) -> None:
    world.secret(IB_USERNAME="someone", IB_PASSWORD=password)
    await world.reconcile()
    refused = condition.startswith("False")
    assert (world.condition("Ready") == condition) == refused
    assert world.replicas("StatefulSet", "paper-gateway") == (0 if refused else 1)
    assert "canary" not in world.message("Ready")


async def test_a_blocked_gateway_begins_nothing_and_leaves_no_claim_behind(
    world: OperatorWorld,
) -> None:
    world.secret(IB_USERNAME="someone", IB_PASSWORD="")
    await world.reconcile()
    await world.reconcile()
    begun = [k for k in world.api_server.objects if k[0] in ("Deployment", "PersistentVolumeClaim")]
    assert begun == []
    assert world.replicas("StatefulSet", "paper-gateway") == 0
    world.secret(IB_USERNAME="someone", IB_PASSWORD="canary-password")
    world.pass_time(60)
    await world.reconcile()
    assert world.replicas("Deployment", "paper-executor") == 1
    assert world.replicas("Deployment", "paper-novnc") == 1
    assert world.replicas("StatefulSet", "paper-gateway") == 1


async def test_a_secret_deleted_by_mistake_stops_nothing_that_trades(
    trading: OperatorWorld,
) -> None:
    trading.api_server.remove("Secret", "ib-credentials")
    trading.pass_time(3960)
    await trading.reconcile()
    memory = trading.app.memories.get(trading.key)
    assert memory is not None
    assert memory.secrets.credentials is not None
    assert memory.secrets.credentials.missing() == "Secret ib-credentials does not exist"
    for kind, name in (
        ("StatefulSet", "paper-gateway"),
        ("Deployment", "paper-executor"),
        ("Deployment", "paper-novnc"),
    ):
        assert trading.replicas(kind, name) == 1
    trading.api_server.remove("Deployment", "paper-executor")
    await trading.reconcile()
    assert trading.replicas("Deployment", "paper-executor") == 1


async def test_tokens_are_made_once_and_never_overwritten(world: OperatorWorld) -> None:
    world.secret("paper-agent-token", token="chosen-by-the-user")
    writes = await world.reconcile()
    assert "create Secret paper-agent-token" not in writes
    assert world.agent_token() == "chosen-by-the-user"


async def test_no_secret_reaches_status_events_or_manifests(trading: OperatorWorld) -> None:
    token = trading.agent_token()
    assert len(token) >= 43
    public = {k: v for k, v in trading.api_server.objects.items() if k[0] != "Secret"}
    text = json.dumps([*public.values()])
    for secret in ("canary-password", "someone", "hidden", token):
        assert secret not in text


async def test_the_default_vnc_password_is_warned_of_once_a_start(world: OperatorWorld) -> None:
    world.secret(IB_USERNAME="someone", IB_PASSWORD="canary-password")
    assert "create Event DefaultVncPassword" in await world.reconcile()
    assert world.api_server.named("Secret", "paper-vnc")["data"] == {"VNC_PASSWORD": "cGFzc3dvcmQ="}
    world.pass_time(120)
    assert await world.reconcile() == []


@pytest.mark.parametrize(
    ("vnc", "event"),
    [
        ("password", "DefaultVncPassword"),
        ("password-canary", "DefaultVncPassword"),
        ("a-canary-of-mine", "LongVncPassword"),
        ("eightchr", ""),
    ],
)
async def test_a_vnc_password_is_warned_of_by_name(
    world: OperatorWorld, vnc: str, event: str
) -> None:
    world.secret(IB_USERNAME="someone", IB_PASSWORD="canary-password", VNC_PASSWORD=vnc)
    writes = await world.reconcile()
    named = [w for w in writes if "VncPassword" in w]
    assert [f"create Event {event}"] == named[:1] if event else named == []
    public = {k: v for k, v in world.api_server.objects.items() if k[0] != "Secret"}
    assert "canary" not in json.dumps([*public.values()])


async def test_a_live_gateway_waits_for_a_vnc_password_that_is_not_guessed(
    world: OperatorWorld,
) -> None:
    world.edit(**LIVE)
    world.secret(IB_USERNAME="someone", IB_PASSWORD="canary", VNC_PASSWORD="12345678canary")
    await world.reconcile()
    assert world.condition("Ready") == "False GuessableVncPassword"
    assert world.replicas("StatefulSet", "paper-gateway") == 0
    world.secret(IB_USERNAME="someone", IB_PASSWORD="canary", VNC_PASSWORD="line\nend")
    world.pass_time(10)
    await world.reconcile()
    assert world.condition("Ready") == "False CredentialsUnusable"
    assert "VNC_PASSWORD has a line end" in world.message("Ready")
    world.secret(IB_USERNAME="someone", IB_PASSWORD="canary", VNC_PASSWORD="hidden\n")
    world.pass_time(10)
    await world.reconcile()
    assert world.replicas("StatefulSet", "paper-gateway") == 1


async def test_a_refused_spec_has_a_status_although_no_secret_can_be_read(
    world: OperatorWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def forbidden(kind: Kind, key: Key) -> Manifest:
        raise ApiError(403, "forbidden")

    world.edit(gateway={"timeZone": "Mars/Olympus"})
    monkeypatch.setattr(world.api_server, "get", forbidden)
    await world.reconcile()
    assert world.condition("SpecAccepted") == "False UnknownTimeZone"
    assert world.next_look() >= 10.0


async def test_an_older_gateway_that_is_made_again_meanwhile_keeps_its_new_memory(
    world: OperatorWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("oldest", "first"):
        older = ibgateway_body(name=name, uid=f"uid-{name}", created="2026-10-01T00:00:00Z")
        older["spec"]["credentialsSecretRef"] = {"name": f"{name}-credentials"}
        world.api_server.put(older)
    get = world.api_server.get

    async def made_again(kind: Kind, key: Key) -> Manifest:
        if key.name == "oldest-credentials":
            world.api_server.put(ibgateway_body(name="first", uid="uid-9"))
            memory = world.app.memories.of(Key("trading", "first"), "uid-9")
            memory.replaced_for = "something to remember"
        return await get(kind, key)

    monkeypatch.setattr(world.api_server, "get", made_again)
    await world.reconcile()
    memory = world.app.memories.get(Key("trading", "first"))
    assert memory is not None
    assert (memory.uid, memory.replaced_for) == ("uid-9", "something to remember")


async def test_the_agent_token_goes_to_sentinel_and_executor_and_never_to_the_console(
    trading: OperatorWorld,
) -> None:
    observer = trading.app.reconciler.observer
    tokens = {c: e.token for c in Component if (e := observer.endpoint(trading.key, c))}
    token = trading.agent_token()
    assert token != ""
    assert tokens == {"gateway": token, "executor": token, "novnc": ""}


async def test_a_user_name_that_is_given_up_is_free_again(world: OperatorWorld) -> None:
    second = Key("trading", "second")
    world.api_server.put(ibgateway_body(name="second", uid="uid-2", created="2026-11-02T00:00:00Z"))
    await world.reconcile()
    await world.reconcile(second)
    assert world.condition("Ready", second) == "False DuplicateUserName"
    world.secret("other", IB_USERNAME="another", IB_PASSWORD="canary", VNC_PASSWORD="hidden")
    world.edit(credentialsSecretRef={"name": "other"})
    await world.reconcile()
    await world.reconcile(second)
    assert world.condition("Ready", second) == "False NoNews"


async def test_a_user_name_is_the_same_in_any_case(world: OperatorWorld) -> None:
    second = ibgateway_body(name="second", uid="uid-2", created="2026-11-02T00:00:00Z")
    second["spec"]["credentialsSecretRef"] = {"name": "other"}
    world.secret("other", IB_USERNAME="SomeOne", IB_PASSWORD="canary")
    world.api_server.put(second)
    await world.reconcile(Key("trading", "second"))
    assert world.condition("Ready", Key("trading", "second")) == "False DuplicateUserName"


async def test_a_suspended_gateway_leaves_its_user_name_to_its_successor_until_that_stops(
    world: OperatorWorld,
) -> None:
    second = Key("trading", "second")
    world.edit(suspend=True)
    await world.reconcile()
    world.api_server.put(ibgateway_body(name="second", uid="uid-2", created="2026-11-02T00:00:00Z"))
    await world.reconcile(second)
    assert world.replicas("StatefulSet", "second-gateway") == 1
    world.edit(suspend=False)
    await world.reconcile()
    assert world.condition("Ready") == "False DuplicateUserName"
    assert world.replicas("StatefulSet", "paper-gateway") == 0
    await world.reconcile(second)
    assert world.replicas("StatefulSet", "second-gateway") == 1


async def test_judging_and_reconciling_one_looks_at_no_other_gateway(
    trading: OperatorWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        body = ibgateway_body(name=f"other-{number}", uid=f"uid-other-{number}")
        body["spec"]["credentialsSecretRef"] = {"name": f"other-{number}"}
        trading.api_server.put(body)
    await trading.reconcile()
    asked: set[str] = set()
    cache, gateway = trading.app.queues.cache, trading.app.queues.cache.gateway

    def looked_at(key: Key) -> Manifest | None:
        asked.add(key.name)
        return gateway(key)

    monkeypatch.setattr(cache, "gateway", looked_at)
    await trading.keep_gate()
    await trading.reconcile()
    assert asked == {"paper"}


def _note_looks(world: OperatorWorld, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    looks: list[str] = []
    get = world.api_server.get

    async def noted(kind: Kind, key: Key) -> Manifest:
        if kind.kind == "Secret":
            looks.append(key.name)
        return await get(kind, key)

    monkeypatch.setattr(world.api_server, "get", noted)
    return looks


async def _idle(world: OperatorWorld, seconds: float) -> None:
    """Look whenever the operator wants to; whoever was heard is heard all the time."""
    end = world.seconds + seconds
    while world.seconds < end:
        world.pass_time(min(max(world.next_look(), 0.05), end - world.seconds))
        if world.heard():
            world.hear_again()
        await world.reconcile()


async def test_while_trading_secrets_are_looked_at_every_hour(
    trading: OperatorWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    trading.http.answers["/network-policy"] = b'{"enforced": true}'
    looks = _note_looks(trading, monkeypatch)
    await _idle(trading, 3961)
    own = ["paper-agent-token", "paper-executor-token", "paper-gate-token"]
    assert sorted(looks) == ["ib-credentials", *own]


async def test_while_not_logged_in_secrets_are_looked_at_every_minute(
    trading: OperatorWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    trading.hear(report(LoginState.NEEDS_PERSON))
    await trading.reconcile()
    await _idle(trading, 60)
    looks = _note_looks(trading, monkeypatch)
    await _idle(trading, 600)
    assert looks.count("ib-credentials") == 10


@pytest.mark.parametrize(
    "wrong",
    [
        {"IB_USERNAME": "someone", "IB_PASSWORD": ""},
        {"IB_USERNAME": "someone", "IB_PASSWORD": "canary\tx"},
    ],
)
async def test_what_blocks_a_start_is_looked_at_every_ten_seconds(
    world: OperatorWorld, monkeypatch: pytest.MonkeyPatch, wrong: dict[str, str]
) -> None:
    world.secret(**wrong)
    await world.reconcile()
    await world.reconcile()
    looks = _note_looks(world, monkeypatch)
    await _idle(world, 60)
    assert looks.count("ib-credentials") == 6
    assert looks.count("paper-agent-token") <= 1
    world.credentials()
    await _idle(world, 10)
    assert world.replicas("StatefulSet", "paper-gateway") == 1


async def test_a_live_gateways_vnc_password_is_noticed_within_ten_seconds(
    world: OperatorWorld,
) -> None:
    world.api_server.put(ibgateway_body(LIVE, name="live", uid="uid-live"))
    live = Key("trading", "live")
    world.secret(IB_USERNAME="someone", IB_PASSWORD="canary", VNC_PASSWORD="password")
    await world.reconcile(live)
    await world.reconcile(live)
    assert world.condition("Ready", live) == "False DefaultVncPassword"
    assert world.next_look() <= 10
    world.credentials()
    world.pass_time(10)
    await world.reconcile(live)
    assert world.condition("Ready", live) != "False DefaultVncPassword"


async def test_a_pod_that_misses_a_token_has_it_within_a_minute(trading: OperatorWorld) -> None:
    await _idle(trading, 60)
    trading.api_server.remove("Secret", "paper-executor-token")
    waits = pod("executor")
    waits["status"]["phase"] = "Pending"
    trading.api_server.put(waits)
    trading.deliver()
    await trading.reconcile()
    await _idle(trading, 61)
    assert trading.api_server.has("Secret", "paper-executor-token")


async def test_an_agent_token_that_was_deleted_comes_back_as_it_was(
    trading: OperatorWorld,
) -> None:
    before = trading.api_server.named("Secret", "paper-agent-token")
    trading.api_server.remove("Secret", "paper-agent-token")
    trading.pass_time(3961)
    trading.hear_again()
    writes = await trading.reconcile()
    assert "create Secret paper-agent-token" in writes
    assert trading.api_server.named("Secret", "paper-agent-token")["data"] == before["data"]
    assert trading.condition("TradingAllowed") == "True GateOpen"


async def test_a_look_that_fails_is_made_again_in_ten_seconds(
    trading: OperatorWorld,
) -> None:
    trading.api_server.refuse["get Secret ib-credentials"] = ApiError(403, "forbidden")
    trading.pass_time(3961)
    trading.hear_again()
    await trading.reconcile()
    assert "could not be looked at" in trading.message("Ready")
    assert trading.next_look() <= 10
    trading.api_server.refuse.clear()
    trading.pass_time(10)
    trading.hear_again()
    await trading.reconcile()
    assert trading.condition("Ready") == "True Trading"


@pytest.mark.parametrize(
    ("vnc", "buttons"),
    [({}, False), ({"VNC_PASSWORD": "password"}, False), ({"VNC_PASSWORD": "eightchr"}, True)],
)
async def test_a_page_that_pods_reach_has_buttons_with_a_vnc_password_of_ones_own_only(
    world: OperatorWorld, vnc: dict[str, str], buttons: bool
) -> None:
    world.edit(novnc={"allowedOrigins": ["https://vnc.example.com"]})
    world.secret(IB_USERNAME="someone", IB_PASSWORD="canary", **vnc)
    await world.reconcile()
    pod = world.api_server.named("Deployment", "paper-novnc")["spec"]["template"]["spec"]
    assert ("agent" in [volume["name"] for volume in pod["volumes"]]) is buttons


async def test_the_token_of_the_gate_opens_neither_the_agents_nor_the_executors_door(
    world: OperatorWorld,
) -> None:
    await world.reconcile()
    named = ("paper-agent-token", "paper-gate-token", "paper-executor-token")
    tokens = {world.api_server.named("Secret", name)["data"]["token"] for name in named}
    assert len(tokens) == 3


async def test_a_deleted_token_of_the_gate_comes_again_with_another_value(
    trading: OperatorWorld,
) -> None:
    before = trading.api_server.named("Secret", "paper-gate-token")["data"]
    trading.api_server.remove("Secret", "paper-gate-token")
    await _idle(trading, 3700)
    assert trading.api_server.named("Secret", "paper-gate-token")["data"] != before
