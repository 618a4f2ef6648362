"""What happens to a gateway while it is recorded: what its week has, in some minutes."""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import cycle
from threading import Event, Thread
from time import sleep, time
from typing import Any, Final

from console_world.person import chromium, enter
from ibgateway.client import ClientError
from ibgateway_cluster import ClusterToolError
from ibgateway_stage import images
from ibgateway_stage.calendar import calendar
from ibgateway_stage.forward import forward
from ibgateway_stage.ibkr import ACCOUNT, USER, Ibkr
from ibgateway_stage.stage import VNC_PASSWORD, Stage
from ibgateway_stage.waiting import until

Json = dict[str, Any]

NIGHT: Final = timedelta(minutes=4)
"""From the start to the gateway's nightly restart, which is at a full minute."""
COPIES: Final = "paper-copies"
PHONE: Final = "phone"
LOST: Final = (ClientError, ClusterToolError)
"""What a way to the executor ends with; another one is opened."""
TARGETS: Final = {"AAPL": "0.3", "MSFT": "0.3", "BND": "0.2", "GLD": "0.1"}
_LISTEN: Final = """
from http.server import BaseHTTPRequestHandler, HTTPServer
class Phone(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
HTTPServer(("", 8080), Phone).serve_forever()
"""


@dataclass
class Story:
    """One gateway's; `told` has what was done to it, and when."""

    stage: Stage
    told: list[tuple[float, str]] = field(default_factory=list)

    @property
    def ibkr(self) -> AbstractContextManager[Ibkr]:
        """A new way to the simulated IBKR: one that is kept for minutes may be lost meanwhile."""
        return self.stage.ibkr()

    def tell(self, words: str) -> None:
        """Something is done now."""
        self.told.append((time(), words))

    def play(self) -> None:
        """All of it, from the first push to the second one."""
        self.waits_for_its_push()
        with self.trading():
            self.restarts_at_night()
            sleep(30)
            self.loses_the_link()
            sleep(25)
            self.is_slow()
            sleep(10)
        self.rebalances()
        with self.trading():
            sleep(15)
            self.is_taken()
            sleep(30)

    def waits_for_its_push(self) -> None:
        """Three orders come in meanwhile; the phone is looked at after half a minute."""
        with self.stage.orders() as orders:
            for number in range(3):
                orders.place(f"before-{number}")
        self.answers_a_push("a push waits on the phone, three orders wait for it", after=30)
        self.stage.wait_for("Ready", "True")

    def answers_a_push(self, words: str, *, after: float) -> None:
        """The phone is looked at so many seconds later."""
        with self.ibkr as ibkr:
            until("the push", ibkr.waiting, seconds=240)
            self.tell(words)
            sleep(after)
            ibkr.approve()
        self.tell("it is approved")

    @contextmanager
    def trading(self) -> Iterator[None]:
        """An order each three seconds or so; one of them IBKR refuses."""
        ended = Event()
        self.has(reject_next="by the recording")
        symbols = cycle(["AAPL", "MSFT", "IBM", "SPY", "KO"])

        def place() -> None:
            while not ended.is_set():
                with contextlib.suppress(*LOST), self.stage.orders() as orders:
                    while not ended.wait(3):
                        orders.place(f"at-{time():.0f}", contract={"symbol": next(symbols)})

        thread = Thread(target=place)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def has(self, **faults: Any) -> None:
        """What goes wrong at the simulated IBKR from now on."""
        with self.ibkr as ibkr:
            ibkr.faults(**faults)

    def loses_the_link(self) -> None:
        """1100, and forty seconds later 1102."""
        self.tell("IB Gateway loses IBKR (1100)")
        with self.ibkr as ibkr:
            ibkr.post("/v1/connectivity", {"state": "lost"})
            sleep(40)
            ibkr.post("/v1/connectivity", {"state": "restored", "code": 1102})
        self.tell("it is back (1102)")

    def is_slow(self) -> None:
        """IBKR takes its time with the first word about an order."""
        self.tell("IBKR answers slowly")
        self.has(ack_seconds=1.5)
        sleep(40)
        self.has(ack_seconds=0)
        self.tell("and at once again")

    def rebalances(self) -> None:
        """The account towards four targets, with fills that take some seconds."""
        self.has(fill_delay=4)
        self.tell("a rebalance")
        targets = [{"contract": {"symbol": name}, "weight": part} for name, part in TARGETS.items()]
        until("the rebalance ends", lambda: self.has_ended(targets), seconds=240)
        self.has(fill_delay=0)

    def has_ended(self, targets: list[Json]) -> bool:
        """Whether it has come to its end; the same key is the same rebalance. Raises LookupError where it can't within a recording."""
        with contextlib.suppress(*LOST), self.stage.orders() as orders:
            found = orders.rebalance("recorded", targets=targets, cashReservePercent="5")
            if found.state == "AwaitingSettlement":
                raise LookupError(f"the account's type lets a rebalance wait for days: {found}")
            return found.state in ENDED
        return False

    def is_taken(self) -> None:
        """A person logs in with the same user name for a while; a login that is asked for afterwards has one push."""
        self.tell("somebody logs in with the same user name")
        with self.ibkr as ibkr:
            ibkr.kick(USER)
            self.stage.wait_for("GatewayLoggedIn", "False", "SessionConflict")
            sleep(15)
            ibkr.free(USER)
        self.stage.ask_for_login()
        self.answers_a_push("they have gone, a login is asked for, its push waits", after=10)
        self.stage.wait_for("Ready", "True")

    def restarts_at_night(self) -> None:
        """As its own clock says; nobody is asked."""
        with self.ibkr as ibkr:
            before = len(ibkr.logins(USER))
        self.stage.wait_for("TradingAllowed", "False", "NightlyRestart", seconds=400)
        self.tell("the nightly restart is near: nothing new is sent")
        with self.ibkr as ibkr:
            until("the login by token", lambda: len(ibkr.logins(USER)) > before, seconds=180)
        self.tell("login by the week's token, without a push")
        self.stage.wait_for("Ready", "True")


ENDED: Final = frozenset({"Completed", "Stopped", "Cancelled", "Expired"})


@contextmanager
def viewer(stage: Stage) -> Iterator[Callable[[], None]]:
    """A browser; what it gives opens the gateway's window in it."""
    until("the console", lambda: stage.ready("novnc"), seconds=120)
    address = forward(stage.cluster, stage.namespace, "svc/paper-novnc", 6080)
    with address as at, chromium() as browser:
        page = browser.new_page()

        def look() -> None:
            page.goto(f"http://{at}/vnc.html?autoconnect=1&resize=scale")
            enter(page, VNC_PASSWORD)

        yield look


def install(stage: Stage) -> None:
    """A simulated IBKR, somebody's phone, the operator; the gateway is still to come."""
    stage.prepare()
    stage.write_credentials()
    stage.start_ibkr()
    stage.apply(*_phone(), _claim(), _addresses())
    stage.install_operator(calendar(datetime.now(UTC) - timedelta(days=3)))
    with stage.ibkr() as ibkr:
        held = {"BND": {"quantity": 400, "average_cost": 73}}
        account = {"type": "margin", "cash": {"USD": "90000"}, "positions": held}
        ibkr.patch(f"/v1/accounts/{ACCOUNT}", account)


def install_gateway(stage: Stage) -> None:
    """With copies of its ledger and somebody to tell."""
    night = f"{datetime.now(UTC) + NIGHT:%I:%M %p}"
    stage.install_gateway(
        {
            "gateway": {"timeZone": "Etc/UTC", "autoRestartTime": night},
            "executor": {"backup": {"claimName": COPIES, "everyHours": 1, "keep": 3}},
            "notifications": {"secretRef": {"name": "paper-notifications"}, "batchSeconds": 5},
        }
    )


def _claim() -> Json:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": COPIES},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }


def _addresses() -> Json:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "paper-notifications"},
        "stringData": {"URLS": f"json://{PHONE}:8080/"},
    }


def _phone() -> list[Json]:
    labels = {"app.kubernetes.io/name": PHONE}
    safe = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    container = {
        "name": PHONE,
        "image": images.reference("simulator"),
        "imagePullPolicy": "IfNotPresent",
        "command": ["python3", "-c", _LISTEN],
        "securityContext": safe,
    }
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": PHONE, "labels": labels},
        "spec": {"containers": [container], "automountServiceAccountToken": False},
    }
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": PHONE},
        "spec": {"selector": labels, "ports": [{"name": "messages", "port": 8080}]},
    }
    return [pod, service]
