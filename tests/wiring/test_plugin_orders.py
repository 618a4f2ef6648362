"""The plugin's commands about orders with a real executor process and the simulator's IBKR: what IBKR has in the end."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from executor_plugin import LossyWay, WiredPlugin, wired
from executor_world import CLIENT_TOKEN, ExecutorWorld, open_world, until, world
from ibgateway_cli.errors import ExitCode
from ibgateway_cli.kube.cluster import Cluster
from plugin_fakes import Invoked

ACCOUNT = "DU1234567"
TARGETS = "targets: {AAPL: 0.5, BND: 0.2}\ncashReservePercent: 10\nunsettled: skip\n"


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[ExecutorWorld]:
    async with open_world(tmp_path) as made:
        yield made


@pytest.fixture
async def closed(tmp_path: Path) -> AsyncIterator[ExecutorWorld]:
    """Nobody is logged in: the push waits."""
    async with world(tmp_path) as made:
        await made.executor.start()
        await made.up()
        yield made


def plugin_of(here: ExecutorWorld, **more: Any) -> WiredPlugin:
    return wired(here.executor.port, CLIENT_TOKEN, **more)


async def run(plugin: WiredPlugin, *words: str) -> Invoked:
    return await asyncio.to_thread(plugin.run, *words)


async def document(plugin: WiredPlugin, *words: str) -> Any:
    """The answer of a command that goes well, for programs."""
    shown = await run(plugin, *words, "-o", "json")
    assert shown.code == 0, shown
    return json.loads(shown.out)


async def test_an_order_is_placed_waited_for_and_shown(here: ExecutorWorld) -> None:
    plugin = plugin_of(here)
    shown = await run(plugin, "order", "buy", "AAPL", "10", "--wait")
    assert (shown.code, "PAPER, gateway trading/paper" in shown.error) == (0, True), shown
    [order] = (await document(plugin, "orders"))["orders"]
    assert (order["state"], order["filledQuantity"]) == ("Filled", "10")
    [held] = (await document(plugin, "positions"))["positions"]
    assert (held["contract"]["symbol"], held["quantity"]) == ("AAPL", "10")
    executions = (await document(plugin, "executions"))["executions"]
    assert {made["orderRef"] for made in executions} == {order["orderRef"]}
    assert float((await document(plugin, "account"))["netLiquidation"]) > 0
    history = (await document(plugin, "history", order["id"]))["history"]
    assert (history[0]["to"], history[-1]["to"]) == ("Accepted", "Filled")
    assert len(await here.placed_frames()) == 1
    assert CLIENT_TOKEN not in shown.golden() + str(plugin.kubectl.calls)


async def test_answers_are_lost_and_ibkr_has_one_order(here: ExecutorWorld) -> None:
    async with LossyWay(here.executor.port, losses=2).listening() as way:
        shown = await run(wired(way.port, CLIENT_TOKEN), "order", "buy", "AAPL", "10", "--wait")
        assert way.lost == 2
    assert (shown.code, shown.error.count("repeating with the same key")) == (0, 2), shown
    assert [frame[16:18] for frame in await here.placed_frames()] == [["BUY", "10"]]
    assert len(await here.all_orders()) == 1


async def test_the_queue_says_why_an_order_waits_and_it_is_cancelled(closed: ExecutorWorld) -> None:
    plugin = plugin_of(closed)
    order = await document(plugin, "order", "buy", "AAPL", "10")
    await closed.waits_for(order["id"], "AwaitingApproval")
    shown = await run(plugin, "queue")
    assert shown.out.startswith("Gate: closed. AwaitingApproval: "), shown
    assert f"{order['id']}  BUY 10 AAPL MKT DAY  Waiting" in shown.out
    assert "AwaitingApproval: approve the push on IBKR Mobile." in shown.out
    cancelled = await run(plugin, "cancel", order["id"])
    assert "Cancelled: nothing of it was sent." in cancelled.error
    assert (await document(plugin, "queue"))["orders"] == []
    assert (await document(plugin, "cancel", order["id"]))["state"] == "Cancelled"
    assert (await document(plugin, "cancel", "--all"))["cancelled"] == 0


async def test_a_watch_hears_of_a_fill_over_a_restart_of_the_executor(
    closed: ExecutorWorld,
) -> None:
    order = await document(plugin_of(closed), "order", "buy", "AAPL", "10")
    watching = plugin_of(closed, until="Filled")
    watch = asyncio.create_task(run(watching, "orders", "--watch"))
    await until("it listens", lambda: _listens(watching))
    await closed.executor.kill()
    await closed.executor.start()
    await closed.log_in()
    shown = await asyncio.wait_for(watch, 120)
    assert shown.code == 130
    assert f"{order['id']}  Filled      BUY 10 AAPL MKT DAY, filled 10" in shown.out
    assert "listening again" in shown.error


async def _listens(plugin: WiredPlugin) -> bool:
    return bool(plugin.printed)


async def test_a_lost_order_is_named_by_the_queue_and_resolved(here: ExecutorWorld) -> None:
    plugin = plugin_of(here)
    await here.ibkr.send("PATCH", "/v1/faults", {"lose_next": "before-booking"})
    order = await document(plugin, "order", "buy", "AAPL", "10")

    async def parked() -> bool:
        seen = await here.orders.get(f"/v1/orders/{order['id']}")
        return bool(seen["reason"] == "NotFoundAtBroker")

    await until("the broker was asked", parked)
    shown = await run(plugin, "queue")
    assert f"kubectl ibgateway resolve {order['id']} found|not-at-broker|give-up" in shown.out
    done = await document(
        plugin, "resolve", order["id"], "not-at-broker", "--note", "not in TWS, R."
    )
    assert (done["state"], done["note"]) == ("Cancelled", "not in TWS, R.")
    assert (await document(plugin, "queue"))["orders"] == []


async def test_a_dry_run_sends_nothing_and_the_rebalance_is_followed_to_its_weights(
    here: ExecutorWorld, tmp_path: Path
) -> None:
    position = {"MSFT": {"quantity": 100, "average_cost": 420}}
    body = {"cash": {"USD": "300000"}, "positions": position}
    await here.ibkr.send("PATCH", f"/v1/accounts/{ACCOUNT}", body)
    file = tmp_path / "targets.yaml"
    file.write_text(TARGETS)
    plugin = plugin_of(here)
    dry = await run(plugin, "rebalance", str(file), "--dry-run")
    assert [
        line.split()[:3] for line in dry.out.splitlines() if line.startswith(("SELL", "BUY"))
    ] == [
        ["SELL", "100", "MSFT"],
        ["BUY", "810", "AAPL"],
        ["BUY", "843", "BND"],
    ]
    assert await here.placed_frames() == []
    unasked = await run(plugin, "rebalance", str(file))
    assert unasked.code == ExitCode.USAGE
    assert (await document(plugin, "rebalances"))["rebalances"] == []
    shown = await run(plugin, "rebalance", str(file), "--yes")
    assert shown.code == 0, shown
    assert "is Completed" in shown.out
    assert "BUY 843 BND MKT DAY is Filled" in shown.error
    [account] = await here.ibkr.get("/v1/accounts")
    held = {symbol: int(p["quantity"]) for symbol, p in account["positions"].items()}
    assert held == {"AAPL": 810, "BND": 843}
    again = await run(plugin, "rebalance", str(file), "--yes")
    assert (again.code, "There is nothing to trade" in again.error) == (0, True)
    assert len(await here.placed_frames()) == 3


async def test_another_rebalance_is_named_and_its_key_follows_it_and_doubles_nothing(
    here: ExecutorWorld, tmp_path: Path
) -> None:
    await here.ibkr.send("PATCH", "/v1/faults", {"hold_fills": True})
    file = tmp_path / "targets.yaml"
    file.write_text("targets: {AAPL: 0.5}\n")
    body = {"targets": [{"contract": {"symbol": "AAPL"}, "weight": "0.5"}]}
    _, first = await here.orders.ask("POST", "/v1/rebalances", body, {"Idempotency-Key": "k1"})

    async def buying() -> bool:
        found = await here.orders.get(f"/v1/rebalances/{first['id']}")
        return bool(found["state"] == "Buying")

    await until("it buys", buying)
    plugin = plugin_of(here)
    second = await run(plugin, "rebalance", str(file), "--yes")
    assert (second.code, first["id"] in second.error) == (ExitCode.REFUSED, True), second
    unlike = await run(plugin, "rebalance", str(file), "--yes", "--key", "k1", "--account", ACCOUNT)
    assert (unlike.code, "another rebalance" in unlike.error) == (ExitCode.REFUSED, True), unlike
    following = plugin_of(here)
    followed = asyncio.create_task(run(following, "rebalance", str(file), "--key", "k1"))

    async def shown() -> bool:
        return "is Buying" in "".join(following.printed)

    await until("it is followed", shown)
    await here.ibkr.send("POST", "/v1/fills/release")
    ended = await asyncio.wait_for(followed, 120)
    assert (ended.code, "is Completed" in ended.out) == (0, True), ended
    assert len(await here.placed_frames()) == 1


TALKATIVE = """#!/bin/sh
echo "Forwarding from 127.0.0.1:4100 -> 8080"
head -c 1000000 /dev/zero | tr '\\0' '\\n'
: > "$DONE"
exec sleep 60
"""


async def test_a_forward_goes_on_whatever_kubectl_says_meanwhile(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kubectl, done = tmp_path / "kubectl", tmp_path / "done"
    kubectl.write_text(TALKATIVE)
    kubectl.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("DONE", str(done))

    async def written() -> bool:
        return done.exists()

    with Cluster().forward("svc/paper-executor-intake", 8080) as url:
        assert url == "http://127.0.0.1:4100"
        await until("kubectl could write a line for each connection", written)
