"""The executor pod's readiness, as the API server's watch tells it."""

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from ibgateway_stage.stage import Stage, is_ready

_LIMIT_SECONDS: Final = 120.0


class Watch:
    """The executor pod's readiness as the API server's watch tells it, with the time of each news."""

    def __init__(self, stage: Stage) -> None:
        self.news = threading.Condition()
        self.ready = False
        self.seen: list[tuple[float, dict[str, Any]]] = []
        self._stage = stage

    @contextmanager
    def running(self) -> Iterator["Watch"]:
        """Reads the watch in a thread until left."""
        argv = [
            "kubectl",
            f"--context=kind-{self._stage.cluster.name}",
            f"--namespace={self._stage.namespace}",
            "get",
            "pods",
            f"-l=ibgateway.dev/gateway={self._stage.gateway},app.kubernetes.io/component=executor",
            "--watch",
            "--output=json",
        ]
        environ = dict(self._stage.cluster.environ)
        with subprocess.Popen(argv, env=environ, stdout=subprocess.PIPE, text=True) as process:
            reader = threading.Thread(target=self._read, args=(process,), daemon=True)
            reader.start()
            try:
                yield self
            finally:
                process.terminate()

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        text, decoder = "", json.JSONDecoder()
        for line in process.stdout:
            text += line
            if line.startswith("}"):
                pod, end = decoder.raw_decode(text)
                text = text[end:].lstrip()
                self._tell(pod)

    def _tell(self, pod: dict[str, Any]) -> None:
        with self.news:
            self.ready = is_ready(pod)
            self.seen.append((time.time(), pod))
            self.news.notify_all()

    def wait(self, ready: bool) -> float:
        """The moment (monotonic seconds) at which the pod is as asked."""
        with self.news:
            if not self.news.wait_for(lambda: self.ready is ready, _LIMIT_SECONDS):
                raise TimeoutError(f"the executor pod was not {'' if ready else 'un'}ready in time")
            return time.monotonic()
