"""One namespace with a simulated IBKR, the operator and a gateway, put there as a user would: by helm."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from ibgateway_cluster import Cluster
from ibgateway_cluster.errors import CommandError
from ibgateway_stage import ibkr, images
from ibgateway_stage.forward import forward
from ibgateway_stage.orders import Orders
from ibgateway_stage.waiting import until

Json = dict[str, Any]

CHARTS: Final = images.ROOT / "charts"
OPERATOR: Final = "ibgateway-operator"
VNC_PASSWORD: Final = "vnc-demo"
RESTRICTED: Final = "pod-security.kubernetes.io/enforce=restricted"
_TO_IBC: Final = (
    'exec 3<>/dev/tcp/127.0.0.1/7462; echo "$1" >&3; read -rt 10 answer <&3; [[ $answer == OK* ]]'
)
NO_OUTAGES: Final[Json] = {"outages": [], "resets": []}
"""IBKR's calendar without outages and resets: the simulator has none."""


@dataclass(frozen=True)
class Stage:
    """A namespace and the name of the gateway in it."""

    cluster: Cluster
    namespace: str
    gateway: str = "paper"
    charts: Path = CHARTS
    """Whose charts are installed: this checkout's unless a test has others."""

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """kubectl in this namespace; raises CommandError."""
        return self.cluster.kubectl(
            f"--namespace={self.namespace}", *arguments, stdin=stdin, timeout=300
        )

    def read(self, *what: str) -> Json | None:
        """One object as JSON, None where it does not exist."""
        try:
            found: Json = json.loads(self.kubectl("get", *what, "-o=json"))
        except CommandError as error:
            if "NotFound" in str(error):
                return None
            raise
        return found

    def apply(self, *objects: Json) -> None:
        """Server-side apply."""
        body = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
        self.kubectl("apply", "--server-side", "--force-conflicts", "-f=-", stdin=body)

    def prepare(self) -> None:
        """The namespace, with the strictest pod security enforced."""
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}}
        self.cluster.kubectl("apply", "-f=-", stdin=json.dumps(namespace))
        self.cluster.kubectl("label", "--overwrite", f"namespace/{self.namespace}", RESTRICTED)

    def start_ibkr(self, node: Json | None = None) -> None:
        """The simulated IBKR, ready; `node` is a node selector."""
        self.apply(*ibkr.manifests(node))
        self.kubectl("rollout", "status", "deployment/ibkr", "--timeout=180s")

    def write_credentials(self, name: str = "ib-credentials", **keys: str) -> None:
        """The user's Secret; keys default to the simulator's paper user."""
        data = {
            "IB_USERNAME": ibkr.USER,
            "IB_PASSWORD": ibkr.PASSWORD,
            "VNC_PASSWORD": VNC_PASSWORD,
            **keys,
        }
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}}
        self.apply({**secret, "stringData": data})

    def install_operator(self, calendar: Json | None = None, **more: Any) -> None:
        """`helm upgrade --install` of the operator's chart with this checkout's images; `more` are values on top."""
        values: Json = {"calendar": calendar or NO_OUTAGES, "images": {}}
        for target in ("operator", "agent", "executor"):
            values["images"][target] = {
                "repository": images.repository(target),
                "tag": images.tag(target),
            }
        values = merged(values, more or {})
        self._helm(
            "upgrade", "--install", OPERATOR, str(self.charts / "ibgateway-operator"), values
        )
        self.kubectl("rollout", "status", f"deployment/{OPERATOR}", "--timeout=180s")

    def install_gateway(self, spec: Json | None = None, **more: Json) -> None:
        """`helm upgrade --install` of one gateway that runs the simulator's image; `more` are other values."""
        values = {"spec": merged(simulator_spec(), spec or {}), **more}
        self._helm("upgrade", "--install", self.gateway, str(self.charts / "ibgateway"), values)

    def beside(self, gateway: str, spec: Json) -> "Stage":
        """One more gateway on this stage; Secret and user name are called like it."""
        other = replace(self, gateway=gateway)
        other.write_credentials(gateway, IB_USERNAME=gateway)
        other.install_gateway(merged({"credentialsSecretRef": {"name": gateway}}, spec))
        return other

    def _helm(self, *arguments: Any) -> None:
        *words, values = arguments
        flat = [f"--namespace={self.namespace}", "--take-ownership", "--force-conflicts"]
        for path, value in leaves(values):
            flat.append(f"--set-json={path}={json.dumps(value)}")
        self.cluster.helm(*words, *flat)

    def status(self) -> Json:
        """The gateway's status, empty before the operator wrote one."""
        found = self.read("ibgw", self.gateway)
        status: Json = (found or {}).get("status", {})
        return status

    def condition(self, kind: str) -> Json:
        """One condition of the gateway, empty while it is missing."""
        conditions: list[Json] = self.status().get("conditions", [])
        return next((c for c in conditions if c["type"] == kind), {})

    def wait_for(self, kind: str, status: str, reason: str = "", *, seconds: float = 180) -> Json:
        """The condition once it has this status (and reason)."""

        def look() -> Json | None:
            seen = self.condition(kind)
            fits = seen.get("status") == status and reason in ("", seen.get("reason"))
            return seen if fits else None

        return until(f"{kind}={status} {reason}", look, seconds=seconds)

    def wait_for_login(self, state: str, *, seconds: float = 180) -> None:
        """Until the login state is `state`."""
        look = lambda: self.status().get("login", {}).get("state") == state  # noqa: E731
        until(f"login state {state}", look, seconds=seconds)

    def tell_ibc(self, command: str) -> None:
        """A command to IBC from within the gateway's container; raises CommandError where it takes none."""
        argv = ["bash", "-c", _TO_IBC, "bash", command]
        self.kubectl("exec", f"{self.gateway}-gateway-0", "--container=gateway", "--", *argv)

    def annotate(self, name: str, value: str = "") -> None:
        """An annotation `ibgateway.dev/NAME` of the gateway; without a value it goes."""
        word = f"ibgateway.dev/{name}={value}" if value else f"ibgateway.dev/{name}-"
        self.kubectl("annotate", "--overwrite", "ibgw", self.gateway, word)

    def ask_for_login(self) -> str:
        """A person with the phone in hand asks for one attempt; the request's time stamp."""
        asked = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        self.annotate("login-requested-at", asked)
        return asked

    def events(self, reason: str) -> list[str]:
        """What the Events of this gateway with that reason say."""
        selector = f"involvedObject.name={self.gateway},reason={reason}"
        found: Json = json.loads(
            self.kubectl("get", "events", f"--field-selector={selector}", "-o=json")
        )
        return [event["message"] for event in found["items"]]

    def pods(self, component: str) -> list[Json]:
        """Pods of one component (gateway, executor, novnc) of this gateway."""
        selector = f"ibgateway.dev/gateway={self.gateway},app.kubernetes.io/component={component}"
        found: Json = json.loads(self.kubectl("get", "pods", f"-l={selector}", "-o=json"))
        items: list[Json] = found["items"]
        return items

    def ready(self, component: str) -> bool:
        """Whether the component has a pod and all of them are Ready."""
        pods = self.pods(component)
        return bool(pods) and all(is_ready(pod) for pod in pods)

    def started(self, component: str) -> bool:
        """Whether the component has a pod and all of its containers have started, Ready or not."""
        statuses = [
            status
            for pod in self.pods(component)
            for status in pod["status"].get("containerStatuses", [])
        ]
        return bool(statuses) and all(status.get("started") for status in statuses)

    def executor_token(self) -> str:
        """The bearer token of the executor."""
        secret = self.read("secret", f"{self.gateway}-executor-token") or {}
        return base64.b64decode(secret["data"]["token"]).decode()

    @contextmanager
    def ibkr(self) -> Iterator[ibkr.Ibkr]:
        """IBKR's control API through a port-forward."""
        with forward(self.cluster, self.namespace, "svc/ibkr", 9100) as address:
            client = ibkr.Ibkr(address)
            try:
                yield client
            finally:
                client.close()

    @contextmanager
    def orders(self, service: str = "executor-intake") -> Iterator[Orders]:
        """The executor's order API through a port-forward to one of its Services."""
        target = f"svc/{self.gateway}-{service}"
        with forward(self.cluster, self.namespace, target, 8080) as address:
            client = Orders(address, self.executor_token())
            try:
                yield client
            finally:
                client.close()


def simulator_spec() -> Json:
    """A paper gateway whose image is the simulator."""
    return {
        "tradingMode": "paper",
        "credentialsSecretRef": {"name": "ib-credentials"},
        "gateway": {
            "image": {"repository": images.repository("simulator"), "tag": images.tag("simulator")},
            "env": [{"name": "SIMULATOR_IBKR_URL", "value": "http://ibkr:9100"}],
            "resources": {"requests": {"cpu": "50m", "memory": "256Mi"}},
        },
    }


def is_ready(pod: Json) -> bool:
    """Whether a pod's Ready condition is True and it is not on its way out."""
    conditions = pod.get("status", {}).get("conditions", [])
    ready = any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
    return ready and "deletionTimestamp" not in pod["metadata"]


def merged(base: Json, more: Json) -> Json:
    """`base` with `more` on top, objects joined key by key."""
    both = {
        key: merged(base[key], value) if isinstance(value, dict) and key in base else value
        for key, value in more.items()
    }
    return base | both


def leaves(values: Json, path: str = "") -> Iterator[tuple[str, Any]]:
    """Values as `--set-json` pairs: objects are walked, lists and scalars are leaves."""
    for key, value in values.items():
        name = key.replace(".", r"\.")
        here = f"{path}.{name}" if path else name
        if isinstance(value, dict) and value:
            yield from leaves(value, here)
        else:
            yield here, value
