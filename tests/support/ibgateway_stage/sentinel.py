"""What the sentinel says for itself, and what it has written down: the truth beside the operator's status."""

import base64
import json
from typing import Any

import httpx

from ibgateway_cluster import ClusterToolError
from ibgateway_stage.forward import forward
from ibgateway_stage.stage import Stage
from ibgateway_stage.waiting import until

Json = dict[str, Any]


def report(stage: Stage) -> Json | None:
    """Its report; None while it does not answer."""
    secret = stage.read("secret", f"{stage.gateway}-agent-token") or {}
    token = base64.b64decode(secret["data"]["token"]).decode()
    try:
        with forward(stage.cluster, stage.namespace, f"pod/{stage.gateway}-gateway-0", 8090) as at:
            headers = {"Authorization": f"Bearer {token}"}
            answer = httpx.get(f"http://{at}/v1/status", headers=headers, timeout=10)
            found: Json = answer.raise_for_status().json()
            return found
    except (httpx.TransportError, ClusterToolError):
        return None


def next_report(stage: Stage, before: Json, state: str, refusal: str = "") -> Json:
    """That of the next process, once it knows the login to be in `state`, and why a start waits there."""

    def look() -> Json | None:
        found = report(stage)
        if not found or found["boot"] == before["boot"] or found["state"] != state:
            return None
        return found if found.get("waiting", {}).get("refusal", "") == refusal else None

    return until(f"another sentinel says {state} {refusal}", look, seconds=180, every=1)


def attempts(stage: Stage) -> list[Json]:
    """The attempts that it wrote down before their permits, each as it stands now."""
    path = "/var/lib/ibgateway/attempts.jsonl"
    text = stage.kubectl(
        "exec", f"{stage.gateway}-gateway-0", "--container=sentinel", "--", "cat", path
    )
    lines = [json.loads(line) for line in text.splitlines()]
    return list({line["id"]: line for line in lines if "id" in line}.values())
