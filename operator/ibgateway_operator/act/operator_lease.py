"""The sign that the status is kept: a Lease in the operator's own namespace, renewed while it works.

The watchdog reads it. Its form is that of a leader's Lease: a second operator that stands by could
hold it one day.
"""

from dataclasses import dataclass
from typing import Final

from ibgateway_operator.kube.client import ApiServer
from ibgateway_operator.model.kinds import LEASE
from ibgateway_operator.model.manifests import Manifest
from ibgateway_runtime.clock import Clock

RENEW_SECONDS: Final = 15.0
"""How often it is renewed: three renewals may fail before the watchdog speaks."""
LEASE_SECONDS: Final = 60
"""How long a renewal is good for; the watchdog waits as long."""


@dataclass(frozen=True)
class OperatorLease:
    """Writes the Lease."""

    api_server: ApiServer
    clock: Clock
    namespace: str
    name: str
    holder: str

    async def renew(self) -> None:
        """Say that the operator is there. Raises OperatorError."""
        await self.api_server.apply(self._manifest())

    def _manifest(self) -> Manifest:
        return {
            "apiVersion": LEASE.api_version,
            "kind": LEASE.kind,
            "metadata": {"name": self.name, "namespace": self.namespace},
            "spec": {
                "holderIdentity": self.holder,
                "leaseDurationSeconds": LEASE_SECONDS,
                "renewTime": self.clock.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            },
        }
