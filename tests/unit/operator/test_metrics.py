"""What the operator counts, and what it says of each gateway."""

import asyncio
import math
from contextlib import nullcontext

import pytest
from prometheus_client import generate_latest

from ibgateway_api.login import LoginState
from ibgateway_api.names import Key
from ibgateway_operator.app import App
from ibgateway_operator.metrics import OperatorMetrics
from operator_fakes import OperatorWorld, foreign_pod, ibgateway_body, report

LABELS = 'namespace="trading",'


async def scrape(app: App) -> dict[str, float]:
    """Every series of a gateway or a queue with its value."""
    app.queues.metrics.leading = True
    await app.before_scrape()
    text = generate_latest(app.queues.metrics.registry).decode()
    found = (line.rsplit(" ", 1) for line in text.splitlines() if line[0] != "#")
    return {name.removeprefix("ibgateway_operator_"): float(value) for name, value in found}


async def of_gateways(app: App) -> dict[str, float]:
    return {name: value for name, value in (await scrape(app)).items() if LABELS in name}


async def test_a_gateway_that_trades_has_five_series(trading: OperatorWorld) -> None:
    gateway = f'gateway="paper",{LABELS}'
    found = await of_gateways(trading.app)
    unknown = f'condition{{{gateway}reason="NotConfigured",type="NotificationsDelivered"}}'
    assert math.isnan(found.pop(unknown))
    assert found == {
        f'login_state{{{gateway}state="LoggedIn"}}': 1.0,
        f'gate_open{{{gateway}reason="GateOpen"}}': 1.0,
        f'condition{{{gateway}reason="Trading",type="Ready"}}': 1.0,
        f'condition{{{gateway}reason="PodReady",type="ExecutorReady"}}': 1.0,
    }


async def test_a_gate_that_closes_is_told_before_the_status_is(trading: OperatorWorld) -> None:
    trading.hear(report(state=LoginState.SESSION_CONFLICT))
    await trading.keep_gate()
    found = await of_gateways(trading.app)
    gateway = f'gateway="paper",{LABELS}'
    assert found[f'gate_open{{{gateway}reason="SessionConflict"}}'] == 0.0
    assert f'gate_open{{{gateway}reason="GateOpen"}}' not in found
    assert found[f'login_state{{{gateway}state="LoggedIn"}}'] == 1.0
    await trading.reconcile()
    found = await of_gateways(trading.app)
    assert found[f'login_state{{{gateway}state="SessionConflict"}}'] == 1.0
    assert f'login_state{{{gateway}state="LoggedIn"}}' not in found


async def test_a_gateway_that_is_gone_has_no_series_and_the_others_keep_theirs(
    trading: OperatorWorld,
) -> None:
    trading.api_server.put(ibgateway_body(name="second", uid="uid-second"))
    await trading.app.reconciler.reconcile(Key("trading", "second"))
    assert any('gateway="second"' in name for name in await of_gateways(trading.app))
    trading.api_server.remove("IBGateway", "paper")
    await trading.reconcile()
    names = list(await of_gateways(trading.app))
    assert [name for name in names if 'gateway="paper"' in name] == []
    assert [name for name in names if 'gateway="second"' in name]


async def test_programs_are_counted_by_the_gateway_they_name(trading: OperatorWorld) -> None:
    for name, gateway in (("bot-1", "paper"), ("bot-2", "paper"), ("bot-3", "nobody")):
        trading.api_server.put(foreign_pod(name, gateway=gateway))
    found = await scrape(trading.app)
    assert found['programs{gateway="paper",namespace="trading"}'] == 2.0
    assert found['programs{gateway="nobody",namespace="trading"}'] == 1.0
    trading.app.queues.metrics.leading = False
    await trading.app.before_scrape()
    assert "programs{" not in generate_latest(trading.app.queues.metrics.registry).decode()


async def test_a_gate_that_is_judged_while_its_gateway_goes_leaves_no_series(
    trading: OperatorWorld,
) -> None:
    trading.api_server.remove("IBGateway", "paper")
    await trading.reconcile()
    trading.app.queues.gate_changed(trading.key, "NoNews")
    assert await of_gateways(trading.app) == {}


async def test_an_operator_that_stands_by_says_nothing_of_gateways(
    trading: OperatorWorld,
) -> None:
    assert await of_gateways(trading.app)
    await trading.app._stop_workers()
    assert await of_gateways(trading.app) == {}


async def test_nothing_secret_is_told(trading: OperatorWorld) -> None:
    trading.secret("told", URLS="ntfy://canary-topic")
    trading.edit(notifications={"secretRef": {"name": "told"}})
    trading.hear(report(state=LoginState.REJECTED, accounts=("DU1234567",)))
    await trading.keep_gate()
    await trading.reconcile()
    trading.app.queues.metrics.leading = True
    await trading.app.before_scrape()
    text = generate_latest(trading.app.queues.metrics.registry).decode()
    assert 'state="Rejected"' in text
    memory = trading.app.memories.get(trading.key)
    assert memory is not None
    assert memory.secrets.agent_token
    secrets = ("canary", "someone", "hidden", "DU1234567", memory.secrets.agent_token)
    assert [secret for secret in secrets if secret in text] == []


async def test_the_queues_tell_what_waits_and_what_runs(trading: OperatorWorld) -> None:
    queue = trading.app.queues.slow
    await trading.drain_queue()
    queue.add(trading.key)
    trading.pass_time(7.0)
    assert (await scrape(trading.app))['queue_oldest_due_seconds{queue="reconcile"}'] == 7.0
    assert (await scrape(trading.app))['queue_depth{queue="reconcile"}'] == 1.0
    key = await queue.take()
    trading.pass_time(3.0)
    assert (await scrape(trading.app))['queue_oldest_due_seconds{queue="reconcile"}'] == 0.0
    assert (await scrape(trading.app))['queue_oldest_run_seconds{queue="reconcile"}'] == 3.0
    queue.done(key, failed=True)
    assert (await scrape(trading.app))['queue_failing{queue="reconcile"}'] == 1.0
    assert (await scrape(trading.app))['queue_failing{queue="gate"}'] == 0.0


@pytest.mark.parametrize(
    ("error", "done", "failed"),
    [(None, 1.0, None), (RuntimeError, None, 1.0), (asyncio.CancelledError, None, None)],
)
def test_a_reconcile_is_counted_by_how_it_ended(
    error: type[BaseException] | None, done: float | None, failed: float | None
) -> None:
    counted = OperatorMetrics()
    with pytest.raises(error) if error else nullcontext(), counted.reconcile():
        if error is not None:
            raise error

    def number(result: str) -> float | None:
        name = "ibgateway_operator_reconciles_total"
        return counted.registry.get_sample_value(name, {"result": result})

    assert (number("done"), number("failed")) == (done, failed)
