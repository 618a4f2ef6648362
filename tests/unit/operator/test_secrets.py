"""Secrets: user names that must differ, tokens that are made once, and nothing of them in public."""

import json

from ibgateway_api.names import Key
from operator_fakes import OperatorWorld, ibgateway_body


async def test_two_gateways_never_share_a_user_name(world: OperatorWorld) -> None:
    younger = ibgateway_body(name="second", uid="uid-2", created="2026-11-02T00:00:00Z")
    world.api_server.put(younger)
    await world.reconcile(Key("trading", "second"))
    assert world.condition("Ready", Key("trading", "second")) == "False DuplicateUserName"
    assert world.replicas("StatefulSet", "second-gateway") == 0
    await world.reconcile()
    assert world.replicas("StatefulSet", "paper-gateway") == 1


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
