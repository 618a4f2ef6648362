"""Questions to the API server about itself and about us, which need no right of their own."""

from ibgateway_operator.errors import NotFoundError
from ibgateway_operator.kube.client import KubernetesApi
from ibgateway_operator.model.kinds import Kind


async def is_served(server: KubernetesApi, kind: Kind) -> bool:
    """Whether the API server knows this version of a kind."""
    try:
        found = await server.request("GET", f"/apis/{kind.group}/{kind.version}")
    except NotFoundError:
        return False
    return kind.plural in {one["name"] for one in found["resources"]}


async def may(
    server: KubernetesApi, verb: str, kind: Kind, namespace: str, *, sub: str = "", name: str = ""
) -> bool:
    """Whether our account may do it; an empty namespace means all of them, an empty name any."""
    asked = {
        "namespace": namespace,
        "verb": verb,
        "group": kind.group,
        "resource": kind.plural,
        "subresource": sub,
        "name": name,
    }
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {key: value for key, value in asked.items() if value}},
    }
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    answer = await server.request("POST", path, body=body)
    return bool(answer["status"]["allowed"])
