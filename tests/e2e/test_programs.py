"""The programs of examples/ by their own manifests, on a real cluster and in this order: held back while pushes wait, let go, held
on Sunday, and let go again; the one that is to be stopped is stopped and started.

Four gateways: one has the ib_async bot in the executor's place and the two Deployments beside it, one the ib_insync bot, one
our executor with the CronJob, and one is the stack that came from docker-compose.
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from ibgateway_cluster import Cluster
from ibgateway_cluster.report import Reporter
from ibgateway_stage import examples
from ibgateway_stage.calendar import calendar
from ibgateway_stage.ibkr import Ibkr
from ibgateway_stage.stage import Stage, merged
from ibgateway_stage.waiting import stays, until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1500)]

Json = dict[str, Any]

ACCOUNTS: Final = {
    "async": "DU3000001",
    "insync": "DU3000002",
    "executor": "DU3000003",
    "compose": "DU3000004",
}
BOTS: Final = {
    "ib-async": "async",
    "nautilus-ibapi": "async",
    "rust-ibapi": "async",
    "ib-insync": "insync",
    "event-processor": "compose",
}
"""Which gateway each bot trades; its name begins each orderRef."""
SOON: Final = [
    {"name": "PERIOD_SECONDS", "value": "5"},
    {"name": "SETTLE_SECONDS", "value": "1"},
]
LOGIN: Final[Json] = {
    "login": {"attemptIntervalSeconds": 30, "maxAttempts": 3},
    "novnc": {"enabled": False},
}


def in_place(manifest: str, **executor: Any) -> Json:
    """The spec of a gateway's manifest, with what a test adds; the stage has its Secret."""
    [gateway] = [one for one in examples.manifests(manifest) if one["kind"] == "IBGateway"]
    spec = {key: value for key, value in gateway["spec"].items() if key != "credentialsSecretRef"}
    return merged(merged(spec, LOGIN), {"executor": executor} if executor else {})


def event_processor() -> Json:
    """What the stack of docker-compose has for a program; IB_HOST and IB_PORT tell it where the gateway is."""
    return {
        "image": {"repository": examples.REPOSITORY, "tag": examples.tag()},
        "command": ["/opt/ib_async/bin/python", "/opt/examples/ib_async/bot.py"],
        "env": [*SOON, {"name": "BOT_NAME", "value": "event-processor"}],
    }


def beside(manifest: str, gateway: str) -> list[Json]:
    """The objects of a program's manifest, for a gateway of another name; a bot's period is short."""
    objects = examples.manifests(manifest, gateway=gateway)
    for one in objects:
        if one["kind"] == "Deployment":
            one["spec"]["template"]["spec"]["containers"][0]["env"] += SOON
    return objects


@pytest.fixture(scope="module")
def gateways(cluster: Cluster, stage: Stage, ibkr: Ibkr, long_ago: Json) -> dict[str, Stage]:
    """All of it applied."""
    examples.provide(cluster, Reporter())
    for user, account in ACCOUNTS.items():
        ibkr.add_user(user, account)
    stage.install_operator(long_ago)
    made = {
        "async": stage.beside("async", in_place("ib_async/paper.yaml", env=SOON)),
        "insync": stage.beside("insync", in_place("ib_insync/paper.yaml", env=SOON)),
        "executor": stage.beside("executor", in_place("cronjob/paper.yaml")),
        "compose": stage.beside(
            "compose", in_place("docker-compose/paper.yaml", **event_processor())
        ),
    }
    stage.apply(*beside("nautilus_ibapi/bot.yaml", "async"))
    stage.apply(*beside("rust_ibapi/bot.yaml", "async"))
    stage.apply(*beside("cronjob/rebalance.yaml", "executor"))
    return made


def arrivals(ibkr: Ibkr) -> list[tuple[datetime, str, str]]:
    """When orders came to IBKR, their accounts and their orderRefs."""
    return [
        (datetime.fromisoformat(one["at"]), account, one["order_ref"])
        for account in ACCOUNTS.values()
        for one in ibkr.audit(account)["arrivals"]
    ]


def traders(ibkr: Ibkr, since: datetime) -> set[str]:
    """The bots with an order since then, and `executor` if there is one of its account."""
    seen = [(account, ref) for at, account, ref in arrivals(ibkr) if at > since]
    bots = {name for name in BOTS for _, ref in seen if ref.startswith(f"{name}-")}
    return bots | {"executor" for account, _ in seen if account == ACCOUNTS["executor"]}


def rebalance(stage: Stage, name: str) -> None:
    """A Job of the CronJob, at an hour of the test's."""
    stage.kubectl("create", "job", name, "--from=cronjob/rebalance")


def approve_all(ibkr: Ibkr, gateways: dict[str, Stage]) -> None:
    """Whatever push waits, until each gateway is Ready."""

    def look() -> bool:
        for push in ibkr.waiting():
            ibkr.approve(push["user"])
        return all(
            one.condition("TradingAllowed").get("status") == "True" for one in gateways.values()
        )

    until("every gate is open", look, seconds=400, every=1)


def test_nothing_is_sent_while_the_pushes_wait(
    stage: Stage, ibkr: Ibkr, gateways: dict[str, Stage]
) -> None:
    until("every push waits", lambda: len(ibkr.waiting()) == len(ACCOUNTS), seconds=400)
    rebalance(stage, "rebalance-1")
    gateways["insync"].wait_for("ExecutorReady", "False", "StoppedWhileClosed")
    running = lambda: all(  # noqa: E731
        (stage.read("deployment", name) or {})["status"].get("updatedReplicas") == 1
        for name in ("async-executor", "nautilus-bot", "rust-bot", "compose-executor")
    )
    until("the others run", running)
    stays("no order", lambda: arrivals(ibkr) == [], seconds=20)
    assert gateways["insync"].pods("executor") == []


def test_they_are_let_go_by_the_approvals(
    stage: Stage, ibkr: Ibkr, gateways: dict[str, Stage]
) -> None:
    before = datetime.now(UTC)
    approve_all(ibkr, gateways)
    everybody = {*BOTS, "executor"}
    until("each has traded", lambda: traders(ibkr, before) == everybody, seconds=240)
    in_place_of_the_executor = ("async-executor", "insync-executor", "compose-executor")
    for deployment in ("nautilus-bot", "rust-bot", *in_place_of_the_executor):
        stage.kubectl("rollout", "status", f"deployment/{deployment}", "--timeout=120s")
    stage.kubectl("wait", "--for=condition=Complete", "job/rebalance-1", "--timeout=240s")


def test_sunday_holds_them_and_its_pushes_let_them_go(
    stage: Stage, ibkr: Ibkr, gateways: dict[str, Stage]
) -> None:
    boundary = datetime.now(UTC) + timedelta(seconds=90)
    restart = (boundary + timedelta(seconds=90)).strftime("%H:%M")
    week = {"spec": {"weeklyRestart": {"restartAt": restart, "timeZone": "UTC"}}}
    for name in gateways:
        stage.kubectl("patch", "ibgw", name, "--type=merge", "-p", json.dumps(week))
    stage.install_operator(calendar(boundary))
    for one in gateways.values():
        one.wait_for("TradingAllowed", "False", "RestartWindow", seconds=240)
    gateways["insync"].wait_for("ExecutorReady", "False", "StoppedWhileClosed", seconds=60)
    rebalance(stage, "rebalance-2")
    until("the weekly pushes", lambda: len(ibkr.waiting()) == len(ACCOUNTS), seconds=400)
    assert gateways["insync"].pods("executor") == []
    assert not (stage.read("job", "rebalance-2") or {})["status"].get("succeeded")
    approved = datetime.now(UTC)
    approve_all(ibkr, gateways)
    until("each bot trades", lambda: traders(ibkr, approved) >= set(BOTS), seconds=240)
    stage.kubectl("wait", "--for=condition=Complete", "job/rebalance-2", "--timeout=240s")
    sent = [one for one in arrivals(ibkr) if boundary + timedelta(seconds=1) < one[0] < approved]
    assert sent == [], "an order was sent while the gate was closed"


def test_no_order_was_sent_twice(ibkr: Ibkr, gateways: dict[str, Stage]) -> None:
    refs = [ref for _, _, ref in arrivals(ibkr)]
    assert len(refs) == len(set(refs)) > len(BOTS)
