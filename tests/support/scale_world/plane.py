"""etcd, the API server and the three controllers that make pods: real ones, from the cluster tool's cache.

The API server's self-made certificate is what clients trust; who somebody is, a token says. The operator
and the bare loop count as service accounts, so that they get the API server's share of those.
"""

import json
import os
import secrets
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ibgateway_cluster.families import family
from ibgateway_cluster.gobuild import GoBuilder
from ibgateway_cluster.paths import SOURCES
from scale_world.network import ADVERTISED

API: Final = "https://127.0.0.1:6443"
AUDITED: Final = ("operator", "second", "watchdog", "bare")
USERS: Final = (*AUDITED, "world", "bench", "controllers")
_ETCD: Final = "http://127.0.0.1:2379"
_CONTROLLERS: Final = "statefulset-controller,deployment-controller,replicaset-controller"
_START_SECONDS: Final = 90.0


@dataclass
class ControlPlane:
    """One control plane in a folder of its own; `programs` is the cluster tool's folder of built programs."""

    folder: Path
    programs: Path
    arch: str
    authorization: str = "AlwaysAllow"
    """The API server's authorization mode; with RBAC only the run's own users may do everything."""
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def audit_log(self) -> Path:
        """What was asked, one JSON document a line."""
        return self.folder / "audit.log"

    @property
    def certificate(self) -> Path:
        """What the API server shows, made by itself."""
        return self.folder / "certificates/apiserver.crt"

    def token(self, user: str) -> str:
        """The token of one of USERS."""
        lines = (self.folder / "tokens.csv").read_text().splitlines()
        return next(line.split(",")[0] for line in lines if line.split(",")[1] == user)

    def kubeconfig(self, user: str) -> Path:
        """A kubeconfig for one of USERS."""
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "scale",
            "contexts": [{"name": "scale", "context": {"cluster": "scale", "user": user}}],
            "clusters": [
                {
                    "name": "scale",
                    "cluster": {"server": API, "certificate-authority": str(self.certificate)},
                }
            ],
            "users": [{"name": user, "user": {"token": self.token(user)}}],
        }
        file = self.folder / f"{user}.kubeconfig"
        file.write_text(json.dumps(document))
        return file

    def start(self) -> None:
        """All three; returns once the API server is ready. Raises TimeoutError."""
        self.folder.mkdir(parents=True)
        self._write_identities()
        self.resume()

    def resume(self) -> None:
        """Once more, on what is stored. Raises TimeoutError."""
        self._start("etcd", "etcd", self._etcd())
        self._start("apiserver", "kube-apiserver", self._apiserver())
        self._wait()
        self._start("controllers", "kube-controller-manager", self._controllers())

    def stop(self) -> None:
        """End them, the last one first."""
        for process in reversed(self.processes.values()):
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes.clear()

    def _write_identities(self) -> None:
        rows = [f'{secrets.token_hex(16)},{user},{user},"{_groups(user)}"' for user in USERS]
        (self.folder / "tokens.csv").write_text("\n".join(rows) + "\n")
        key_file = self.folder / "accounts.key"
        subprocess.run(
            ["openssl", "genrsa", "-out", str(key_file), "2048"], check=True, capture_output=True
        )
        rules: list[Mapping[str, object]] = [
            {"level": "Metadata", "users": list(AUDITED)},
            {"level": "None"},
        ]
        policy = {
            "apiVersion": "audit.k8s.io/v1",
            "kind": "Policy",
            "omitStages": ["RequestReceived"],
            "rules": rules,
        }
        (self.folder / "audit.json").write_text(json.dumps(policy))

    def _etcd(self) -> list[str]:
        return [
            f"--data-dir={self.folder / 'etcd'}",
            f"--listen-client-urls={_ETCD}",
            f"--advertise-client-urls={_ETCD}",
            "--listen-peer-urls=http://127.0.0.1:2380",
            "--quota-backend-bytes=8589934592",
            "--unsafe-no-fsync",
            "--log-level=warn",
        ]

    def _apiserver(self) -> list[str]:
        accounts = self.folder / "accounts.key"
        return [
            f"--etcd-servers={_ETCD}",
            "--bind-address=127.0.0.1",
            f"--advertise-address={ADVERTISED}",
            "--secure-port=6443",
            f"--cert-dir={self.certificate.parent}",
            "--service-cluster-ip-range=10.112.0.0/16",
            f"--service-account-key-file={accounts}",
            f"--service-account-signing-key-file={accounts}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--token-auth-file={self.folder / 'tokens.csv'}",
            f"--authorization-mode={self.authorization}",
            "--endpoint-reconciler-type=none",
            f"--audit-policy-file={self.folder / 'audit.json'}",
            f"--audit-log-path={self.audit_log}",
        ]

    def _controllers(self) -> list[str]:
        return [
            f"--kubeconfig={self.kubeconfig('controllers')}",
            f"--controllers={_CONTROLLERS}",
            "--leader-elect=false",
            "--kube-api-qps=1000",
            "--kube-api-burst=2000",
            "--secure-port=0",
        ]

    def _start(self, name: str, program: str, flags: list[str]) -> None:
        builder = GoBuilder(SOURCES / "modules", self.programs, self.arch, os.environ)
        where = builder.directory(family("etcd" if program == "etcd" else "kubernetes"))
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [str(where / program), *flags], stdout=log, stderr=log
            )

    def _wait(self) -> None:
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end:
            if self.certificate.exists() and self._ready():
                return
            if self.processes["apiserver"].poll() is not None:
                break
            time.sleep(0.3)
        raise TimeoutError(f"the API server did not get ready; see {self.folder}")

    def _ready(self) -> bool:
        context = ssl.create_default_context(cafile=str(self.certificate))
        request = urllib.request.Request(  # noqa: S310
            f"{API}/readyz", headers={"Authorization": f"Bearer {self.token('bench')}"}
        )
        try:
            with urllib.request.urlopen(request, timeout=3, context=context) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except OSError:
            return False


def _groups(user: str) -> str:
    return "system:serviceaccounts" if user in AUDITED else "system:masters"
