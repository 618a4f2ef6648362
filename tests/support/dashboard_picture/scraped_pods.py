"""What Prometheus scrapes on a stage: every program's pod, by the API server's proxy and with the labels that docs/metrics.md asks for."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any, Final

import yaml

from dashboard_picture.prometheus import Prometheus
from ibgateway_stage.stage import OPERATOR, Stage

Json = dict[str, Any]

EVERY: Final = 2.0
PORTS: Final = ("metrics", "health")
"""Sentinel, executor and operator; the console's probes and metrics share a port. As the chart's PodMonitors have them."""


def by_api_server(stage: Stage, folder: Path) -> Json:
    """How a scrape gets there: the kubeconfig's address and its client certificate."""
    config = yaml.safe_load(stage.cluster.kubeconfig.read_text())
    parts = {
        "ca": config["clusters"][0]["cluster"]["certificate-authority-data"],
        "cert": config["users"][0]["user"]["client-certificate-data"],
        "key": config["users"][0]["user"]["client-key-data"],
    }
    files = {}
    for name, text in parts.items():
        file = folder / f"{name}.pem"
        file.touch(mode=0o600)
        file.write_bytes(base64.b64decode(text))
        files[f"{name}_file"] = str(file)
    return {"scheme": "https", "tls_config": files}


@contextmanager
def kept_up_to_date(prometheus: Prometheus, stage: Stage) -> Iterator[None]:
    """Pods come and go, and Prometheus scrapes those that are there."""
    ended = Event()

    def look() -> None:
        while not ended.is_set():
            prometheus.scrape(targets(stage))
            ended.wait(EVERY)

    thread = Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def targets(stage: Stage) -> list[Json]:
    """Every port with metrics of this release's pods that run."""
    config = yaml.safe_load(stage.cluster.kubeconfig.read_text())
    address = config["clusters"][0]["cluster"]["server"].removeprefix("https://")
    pods = json.loads(stage.kubectl("get", "pods", "-o=json"))["items"]
    return [
        {"targets": [address], "labels": labels}
        for pod in pods
        if pod["status"].get("podIP") and "deletionTimestamp" not in pod["metadata"]
        for labels in _ports(pod)
    ]


def _ports(pod: Json) -> Iterator[dict[str, str]]:
    given, meta = pod["metadata"].get("labels", {}), pod["metadata"]
    gateway = given.get("ibgateway.dev/gateway", "")
    if not gateway and given.get("app.kubernetes.io/name") != OPERATOR:
        return
    place = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}"
    for container in [*pod["spec"]["containers"], *pod["spec"].get("initContainers", [])]:
        for port in container.get("ports", []):
            if port.get("name") in PORTS:
                yield {
                    "__metrics_path__": f"{place}:{port['containerPort']}/proxy/metrics",
                    "namespace": meta["namespace"],
                    "pod": meta["name"],
                    "container": container["name"],
                    **({"gateway": gateway} if gateway else {}),
                }
