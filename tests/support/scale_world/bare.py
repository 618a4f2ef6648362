"""The bare loop: the same objects by the same client, this many gateways in flight, and nothing else."""

import asyncio
import sys
import time

from ibgateway_api.names import Key
from ibgateway_api.spec import IBGatewaySpec
from ibgateway_api.week import Calendar
from ibgateway_operator.__main__ import scripts
from ibgateway_operator.desired import desired
from ibgateway_operator.desired.input import DesiredInput
from ibgateway_operator.desired.secrets import secret_names, token_secret
from ibgateway_operator.kube.client import KubernetesApi, connect
from ibgateway_operator.settings import Images
from scale_world.client import many
from scale_world.gateways import gateway

NAMESPACE = "bare"


async def bare_loop(count: int) -> float:
    """Seconds until everything of `count` gateways stands; KUBECONFIG says where."""
    api = await connect()
    server, programs = KubernetesApi(api), scripts()

    async def one(number: int) -> None:
        stored = await server.create(gateway(NAMESPACE, number))
        meta = stored["metadata"]
        given = DesiredInput(
            key=Key(NAMESPACE, meta["name"]),
            uid=meta["uid"],
            spec=IBGatewaySpec.model_validate(stored["spec"]),
            images=Images("agent:1", "executor:1"),
            calendar=Calendar(),
            scripts=programs,
            own_namespace=NAMESPACE,
            vnc_from_user=True,
        )
        for name in secret_names(given):
            await server.create(token_secret(given, name, "t" * 43))
        for manifest in desired(given):
            await server.apply(manifest)

    begun = time.monotonic()
    try:
        await many(count, one)
        return time.monotonic() - begun
    finally:
        await api.close()


if __name__ == "__main__":
    sys.stdout.write(f"{asyncio.run(bare_loop(int(sys.argv[1])))}\n")
