"""A PostgreSQL of the stage's own, for an executor's ledger: killed, and kept away for as long as a test likes."""

import hashlib
import json
import secrets
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from ibgateway_cluster import images
from ibgateway_cluster.errors import CommandError
from ibgateway_cluster.report import Reporter
from ibgateway_stage.accidents import kill
from ibgateway_stage.stage import Stage, is_ready
from ibgateway_stage.waiting import until

Json = dict[str, Any]

IMAGE: Final = Path(__file__).with_name("database_image")
NAME: Final = "database"
LABELS: Final = {"app.kubernetes.io/name": "ledger-database"}
SECRET: Final = "ledger"
"""The Secret with the URL, under the key `url`."""
SPEC: Final[Json] = {"database": {"postgresSecretRef": {"name": SECRET, "key": "url"}}}
"""`spec.executor` of who keeps its orders there."""
AWAY: Final = "/data/away"


class Database:
    """One server in a pod; what it holds outlives its container. `password` has signs that a URL has to escape."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.password = f"canary/{secrets.token_hex(8)}@canary{secrets.token_hex(8)}"

    def install(self) -> None:
        """The image in the node, the Secret for the executor, and the server, ready."""
        image = _provided(self._stage)
        url = f"postgresql://ledger:{quote(self.password, safe='')}@{NAME}:5432/ledger"
        self._stage.apply(
            _secret(NAME, password=self.password), _secret(SECRET, url=url), *manifests(image)
        )
        self._stage.kubectl("rollout", "status", f"deployment/{NAME}", "--timeout=180s")

    def kill(self) -> None:
        """kill -9 of all its processes; the kubelet starts it again."""
        kill(self._stage, self.pod(), NAME)

    def kill_for_good(self) -> None:
        """kill -9, and it stays away until `come_back`."""
        self._exec("touch", AWAY)
        self.kill()
        until("nobody is led to it", lambda: not is_ready(self.pod()), seconds=60)

    def come_back(self) -> None:
        """The server starts again, on what it had confirmed."""
        self._exec("rm", "-f", AWAY)
        until("the database takes connections", lambda: is_ready(self.pod()), seconds=60)

    def pod(self) -> Json:
        """Its only pod."""
        selector = ",".join(f"{key}={value}" for key, value in LABELS.items())
        [pod] = json.loads(self._stage.kubectl("get", "pods", f"-l={selector}", "-o=json"))["items"]
        found: Json = pod
        return found

    def _exec(self, *command: str) -> None:
        """Its container may have ended just now: a command in it is tried until it has run."""

        def ran() -> bool:
            try:
                self._stage.kubectl("exec", self.pod()["metadata"]["name"], "--", *command)
            except CommandError:
                return False
            return True

        until(f"{command[0]} in the database's pod", ran, seconds=60)


def manifests(image: str) -> list[Json]:
    """A Deployment and a Service of that name; the data are the pod's own."""
    asked = ["bash", "-c", "/usr/lib/postgresql/*/bin/pg_isready -q -h 127.0.0.1"]
    container = {
        "name": NAME,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "ports": [{"containerPort": 5432}],
        "readinessProbe": {
            "exec": {"command": asked},
            "periodSeconds": 1,
            "failureThreshold": 1,
            "timeoutSeconds": 5,
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "volumeMounts": [
            {"name": "data", "mountPath": "/data"},
            {"name": "password", "mountPath": "/run/secrets/database"},
        ],
    }
    volumes = [
        {"name": "data", "emptyDir": {}},
        {"name": "password", "secret": {"secretName": NAME}},
    ]
    pod = {"containers": [container], "volumes": volumes, "automountServiceAccountToken": False}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": NAME, "labels": LABELS},
        "spec": {
            "strategy": {"type": "Recreate"},
            "selector": {"matchLabels": LABELS},
            "template": {"metadata": {"labels": LABELS}, "spec": pod},
        },
    }
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": NAME, "labels": LABELS},
        "spec": {"selector": LABELS, "ports": [{"name": "postgres", "port": 5432}]},
    }
    return [deployment, service]


def image_name() -> str:
    """Its image, tagged by what goes into it."""
    digest = hashlib.sha256()
    for path in sorted(IMAGE.iterdir()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return f"ibgateway-test-database:dev-{digest.hexdigest()[:12]}"


def _provided(stage: Stage) -> str:
    """The image's name, once it is in the node."""
    name, report = image_name(), Reporter()
    if name not in stage.cluster.docker("images", "--format={{.Repository}}:{{.Tag}}").split():
        images.build(stage.cluster, IMAGE, target="database", tag=name, report=report)
    images.load(stage.cluster, name, report=report)
    return name


def _secret(name: str, **data: str) -> Json:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}}
    return {**secret, "stringData": data}
