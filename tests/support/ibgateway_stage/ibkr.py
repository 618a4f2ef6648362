"""The simulated IBKR: its manifests, and a client of its control API."""

from decimal import Decimal
from typing import Any, Final

import httpx

from ibgateway_stage import images

Json = dict[str, Any]

USER: Final = "paperuser"
PASSWORD: Final = "paperpassword"
ACCOUNT: Final = "DU1234567"

_SAFE: Final[Json] = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def manifests(node: Json | None = None) -> list[Json]:
    """A Deployment and a Service, both called `ibkr`; `node` is a node selector."""
    labels = {"app.kubernetes.io/name": "simulated-ibkr"}
    container = {
        **_container("ibkr", "python3", "-m", "ibgateway_simulator", "ibkr"),
        "ports": [{"containerPort": 9100}, {"containerPort": 9101}],
        "readinessProbe": {"httpGet": {"path": "/healthz", "port": 9100}, "periodSeconds": 1},
    }
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "ibkr", "labels": labels},
        "spec": {
            "replicas": 1,
            "strategy": {"type": "Recreate"},
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "containers": [container],
                    "automountServiceAccountToken": False,
                    "nodeSelector": node or {},
                },
            },
        },
    }
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "ibkr", "labels": labels},
        "spec": {
            "selector": labels,
            "ports": [{"name": "control", "port": 9100}, {"name": "broker", "port": 9101}],
        },
    }
    return [deployment, service]


def bystander() -> Json:
    """A pod with Python that nobody's policy knows."""
    spec = {
        "containers": [_container("bystander", "sleep", "infinity")],
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 0,
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "bystander"}, "spec": spec}


def _container(name: str, *command: str) -> Json:
    return {
        "name": name,
        "image": images.reference("simulator"),
        "imagePullPolicy": "IfNotPresent",
        "command": list(command),
        "securityContext": _SAFE,
    }


class Ibkr:
    """What a test does to IBKR, and what it reads of what IBKR has seen."""

    def __init__(self, address: str) -> None:
        self._http = httpx.Client(base_url=f"http://{address}", timeout=30)

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def get(self, path: str) -> Any:
        """A GET of the control API; raises httpx.HTTPStatusError."""
        return self._http.get(path).raise_for_status().json()

    def post(self, path: str, body: Json | None = None) -> Any:
        """A POST of the control API; raises httpx.HTTPStatusError."""
        return self._http.post(path, json=body or {}).raise_for_status().json()

    def put(self, path: str, body: Json) -> Any:
        """A PUT of the control API; raises httpx.HTTPStatusError."""
        return self._http.put(path, json=body).raise_for_status().json()

    def patch(self, path: str, body: Json) -> Any:
        """A PATCH of the control API; raises httpx.HTTPStatusError."""
        return self._http.patch(path, json=body).raise_for_status().json()

    def add_user(self, user: str, account: str) -> None:
        """One more paper user, who needs a push for each full login."""
        self.put(f"/v1/users/{user}", {"password": PASSWORD, "account": account})

    def pushes(self, user: str = "") -> list[Json]:
        """Every push ever sent, or those of one user."""
        return _of(user, self.get("/v1/pushes"))

    def waiting(self, user: str = "") -> list[Json]:
        """Pushes that wait for an answer."""
        return [push for push in self.pushes(user) if push["state"] == "waiting"]

    def logins(self, user: str = "") -> list[Json]:
        """Every login attempt, or those of one user."""
        return _of(user, self.get("/v1/logins"))

    def orders(self) -> list[Json]:
        """Every order IBKR has booked."""
        return list(self.get("/v1/orders"))

    def audit(self, account: str) -> Json:
        """What came in for an account, also what was lost, and what was booked: as `order_judge` reads it."""
        found: Json = self.get("/v1/audit")
        return {
            part: [one for one in found[part] if one["account"] == account]
            for part in ("arrivals", "orders")
        }

    def holdings(self, account: str) -> dict[str, int]:
        """Shares that an account has, by symbol."""
        [found] = [one for one in self.get("/v1/accounts") if one["id"] == account]
        return {symbol: int(held["quantity"]) for symbol, held in found["positions"].items()}

    def prices(self) -> dict[str, Decimal]:
        """The last price of each contract."""
        return {symbol: Decimal(price) for symbol, price in self.patch("/v1/prices", {}).items()}

    def logged_in(self, user: str) -> bool:
        """Whether the user's gateway has a session now."""
        return user in {session["user"] for session in self.get("/v1/state")["sessions"]}

    def faults(self, **faults: Any) -> None:
        """What goes wrong from now on; docs/simulator.md has the names."""
        self.patch("/v1/faults", faults)

    def fill(self, account: str) -> None:
        """Whatever an account has in the market fills now."""
        for order in self.audit(account)["orders"]:
            if order["completed"] is None:
                self.post(f"/v1/orders/{order['perm_id']}/fill")

    def approve(self, user: str = "") -> None:
        """Approve the waiting push on the phone, or that of one user."""
        self.post(f"/v1/pushes/latest/approve{f'?user={user}' if user else ''}")

    def miss(self, push: Json, *, seconds: float = 0) -> None:
        """Nobody answers this push, and IBKR takes it back after so many seconds."""
        self.post(f"/v1/pushes/{push['id']}/ignore", {"seconds": seconds})

    def rules(self, **rules: Any) -> None:
        """How logins go from now on; docs/simulator.md has the names."""
        self.patch("/v1/login-rules", rules)

    def kick(self, user: str = USER, *, style: str = "waits") -> None:
        """A person logs in elsewhere with the same user name."""
        self.post(f"/v1/users/{user}/kick", {"style": style})

    def free(self, user: str = USER) -> None:
        """That person logs out."""
        self.post(f"/v1/users/{user}/free")


def _of(user: str, found: list[Json]) -> list[Json]:
    return [one for one in found if user in ("", one["user"])]
