"""A real Prometheus on this machine, for as long as a recording takes."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import yaml

from dashboard_picture.recording import Curve
from host_processes import free_port
from ibgateway_stage.waiting import until

SCRAPE_SECONDS: Final = 5
DIGITS: Final = 5
"""Significant ones of a value that is kept: more are not to be seen in a picture."""


@dataclass(frozen=True)
class Prometheus:
    """The server; its `targets` file says what it scrapes, and is read again whenever it changes."""

    address: str
    targets: Path
    version: str

    def scrape(self, targets: list[dict[str, Any]]) -> None:
        """What is scraped from now on: addresses, each with its labels."""
        aside = self.targets.with_suffix(".new")
        aside.write_text(json.dumps(targets))
        aside.replace(self.targets)

    def up(self) -> dict[str, bool]:
        """Each pod that is scraped, and whether it answers."""
        found = self._ask("/api/v1/query", query="up")["result"]
        return {one["metric"]["pod"]: one["value"][1] == "1" for one in found}

    def range(self, query: str, *, began: float, ended: float, step: int) -> list[Curve]:
        """A query's curves; raises httpx.HTTPStatusError with what Prometheus has against it."""
        found = self._ask("/api/v1/query_range", query=query, start=began, end=ended, step=step)
        steps = round((ended - began) / step) + 1
        return [_curve(one, began=began, step=step, steps=steps) for one in found["result"]]

    def _ask(self, path: str, **parameters: Any) -> Any:
        answer = httpx.get(f"http://{self.address}{path}", params=parameters, timeout=30)
        if answer.is_error:
            raise httpx.HTTPStatusError(answer.text, request=answer.request, response=answer)
        return answer.json()["data"]


def _curve(found: dict[str, Any], *, began: float, step: int, steps: int) -> Curve:
    values: list[float | None] = [None] * steps
    for at, text in found["values"]:
        number = float(text)
        if number == number:  # noqa: PLR0124 - NaN is no value
            values[round((at - began) / step)] = float(f"{number:.{DIGITS + 6}g}")
    labels = {name: value for name, value in found["metric"].items() if name not in NOT_KEPT}
    return Curve(labels, values)


NOT_KEPT: Final = frozenset({"__name__", "instance", "job"})


@contextmanager
def prometheus(folder: Path, scrape: dict[str, Any]) -> Iterator[Prometheus]:
    """One that runs until the recording ends; `scrape` says how its targets are reached."""
    program = shutil.which("prometheus")
    if program is None:
        raise LookupError("prometheus is missing: run `sh tests/install-debian.sh prometheus`")
    made = Prometheus(f"127.0.0.1:{free_port()}", folder / "targets.json", version(program))
    made.scrape([])
    job = {
        "job_name": "ibgateway",
        "honor_labels": True,
        "file_sd_configs": [{"files": [str(made.targets)]}],
    }
    seconds = f"{SCRAPE_SECONDS}s"
    config = {
        "global": {"scrape_interval": seconds, "scrape_timeout": seconds},
        "scrape_configs": [{**job, **scrape}],
    }
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(config))
    words = [
        f"--config.file={folder / 'prometheus.yaml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={made.address}",
    ]
    with (folder / "prometheus.log").open("w") as log:
        process = subprocess.Popen([program, *words], stdout=log, stderr=log)
    try:
        until("Prometheus answers", lambda: _answers(made.address), seconds=60)
        yield made
    finally:
        process.terminate()
        process.wait(timeout=60)


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"http://{address}/-/ready").is_success
    except httpx.TransportError:
        return False


def version(program: str) -> str:
    """As it says itself."""
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"version (\S+)", said)
    return found[1] if found else "unknown"
