"""The IBGateways and Secrets of a run."""

from typing import Final

from scale_world.client import Api, Json, many

USER: Final = "user-canary-"
PASSWORD: Final = "password-canary-3f0c"


def name(number: int) -> str:
    """g00001 and so on."""
    return f"g{number:05d}"


def gateway(namespace: str, number: int) -> Json:
    """A paper gateway as somebody would write it."""
    return {
        "apiVersion": "ibgateway.dev/v1alpha1",
        "kind": "IBGateway",
        "metadata": {"name": name(number), "namespace": namespace},
        "spec": {"tradingMode": "paper", "credentialsSecretRef": {"name": f"{name(number)}-ib"}},
    }


async def prepare(api: Api, namespace: str, count: int) -> None:
    """A namespace with a credentials Secret for each gateway."""
    await api.call(
        "POST",
        "/api/v1/namespaces",
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}},
    )

    async def one(number: int) -> None:
        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": f"{name(number)}-ib"},
            "stringData": {
                "IB_USERNAME": f"{USER}{number:05d}",
                "IB_PASSWORD": PASSWORD,
                "VNC_PASSWORD": "eightchr",
            },
        }
        await api.call("POST", f"/api/v1/namespaces/{namespace}/secrets", secret)

    await many(count, one)
