"""`python -m moving_picture.record`: two minutes of a gateway on the cluster, in a namespace of its own that goes afterwards."""

import json
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any, Final

from ibgateway_cluster import Cluster
from ibgateway_cluster.report import Reporter
from ibgateway_stage import images
from ibgateway_stage.fixtures import remove
from ibgateway_stage.ibkr import Ibkr
from ibgateway_stage.orders import Orders
from ibgateway_stage.plugin import CalledPlugin
from ibgateway_stage.stage import Stage
from ibgateway_stage.waiting import until

Json = dict[str, Any]

NAMESPACE: Final = "ibgateway-recorded"
RECORDED: Final = Path(__file__).parent / "recorded.json"
PHONE_SECONDS: Final = 20.0
"""Until somebody has the phone in hand."""
AFTERWARDS: Final = 4
"""Looks once everything is as it should be."""
LIMIT_SECONDS: Final = 180.0


def main() -> None:
    """Record it."""
    stage = Stage(Cluster.attach(), NAMESPACE)
    images.provide(stage.cluster, Reporter())
    remove(stage)
    try:
        with tempfile.TemporaryDirectory() as folder:
            plugin = CalledPlugin(stage, Path(folder))
            plugin.install()
            seen = list(record(stage, plugin))
    finally:
        remove(stage)
    RECORDED.write_text("".join(f"{json.dumps(one)}\n" for one in seen))


def record(stage: Stage, plugin: CalledPlugin) -> Iterator[Json]:
    """What `status` shows, again and again, each with its moment."""
    stage.prepare()
    stage.write_credentials()
    stage.start_ibkr()
    stage.install_operator()
    stage.install_gateway()
    until("the executor takes orders", lambda: stage.started("executor"), seconds=180)
    with stage.ibkr() as ibkr, stage.orders() as orders:
        for number in range(3):
            orders.place(f"waits-{number}")
        yield from looks(plugin, ibkr, orders)


def looks(plugin: CalledPlugin, ibkr: Ibkr, orders: Orders) -> Iterator[Json]:
    """Until three orders that have waited are filled, and a little longer."""
    began, pushed, left = monotonic(), 0.0, AFTERWARDS
    while left and monotonic() - began < LIMIT_SECONDS:
        at = datetime.now(UTC)
        answer = plugin.run("status", "-o", "json")
        if answer.code == 0:
            yield {"at": at.isoformat(), "document": answer.json()}
        if ibkr.waiting():
            pushed = pushed or monotonic()
            if monotonic() - pushed > PHONE_SECONDS:
                ibkr.approve()
        left -= all(order["state"] == "Filled" for order in orders.all()["orders"])


if __name__ == "__main__":
    main()
