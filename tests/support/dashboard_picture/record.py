"""`python -m dashboard_picture.record`: a gateway on the cluster lives through a story, a real Prometheus watches, and what the dashboard asks is kept.

Ten minutes, in a namespace of its own that goes afterwards. `sh tests/install-debian.sh prometheus` provides Prometheus.
"""

import tempfile
from pathlib import Path
from time import sleep, time
from typing import Final

import click

from dashboard_picture import story
from dashboard_picture.panels import panels
from dashboard_picture.prometheus import SCRAPE_SECONDS, Prometheus, prometheus
from dashboard_picture.recording import Happening, Recording
from dashboard_picture.scraped_pods import by_api_server, kept_up_to_date
from ibgateway_cluster import Cluster
from ibgateway_cluster.report import Reporter
from ibgateway_stage import images
from ibgateway_stage.fixtures import remove
from ibgateway_stage.stage import Stage
from ibgateway_stage.waiting import NeverHappenedError, until

NAMESPACE: Final = "ibgateway-dashboard"


def main() -> None:
    """Record, and say what gave nothing."""
    stage = Stage(Cluster.attach(), NAMESPACE)
    images.provide(stage.cluster, Reporter())
    remove(stage)
    try:
        with tempfile.TemporaryDirectory() as folder:
            made = record(stage, Path(folder))
    finally:
        remove(stage)
    made.save()
    for panel in panels():
        for target in panel.targets:
            if not made.answers[target.expression]:
                click.echo(f"no data: {panel.title}: {target.expression}")


def record(stage: Stage, folder: Path) -> Recording:
    """From before the gateway's first moment to after its night."""
    story.install(stage)
    with prometheus(folder, by_api_server(stage, folder)) as server, kept_up_to_date(server, stage):
        until("the operator is scraped", lambda: any(server.up().values()), seconds=60)
        sleep(3 * SCRAPE_SECONDS)
        began = time()
        story.install_gateway(stage)
        until("the executor takes orders", lambda: stage.started("executor"), seconds=180)
        with story.viewer(stage) as look:
            played = story.Story(stage, [(began, "helm install ibgateway")])
            look()
            try:
                played.play()
            except NeverHappenedError as error:
                click.echo(f"the story ends early: {error}", err=True)
        return taken(server, began, played.told)


def taken(server: Prometheus, began: float, told: list[tuple[float, str]]) -> Recording:
    """What each query gives from then to now."""
    start = began - began % SCRAPE_SECONDS
    ended = time() - time() % SCRAPE_SECONDS
    answers = {
        target.expression: server.range(
            target.asked(SCRAPE_SECONDS), began=start, ended=ended, step=SCRAPE_SECONDS
        )
        for panel in panels()
        for target in panel.targets
    }
    return Recording(
        prometheus=server.version,
        began=start,
        step=SCRAPE_SECONDS,
        steps=round((ended - start) / SCRAPE_SECONDS) + 1,
        story=[Happening(round(at - start, 1), words) for at, words in told],
        answers=answers,
    )


if __name__ == "__main__":
    main()
