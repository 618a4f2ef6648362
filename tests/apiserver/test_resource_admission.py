"""Manifest in: accepted, or refused with a message a user can act on. Every CEL rule both ways."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from ibgateway_cluster import Cluster
from ibgateway_cluster.errors import CommandError

pytestmark = pytest.mark.cluster


Row = dict[str, Any]


def rows(name: str) -> list[Row]:
    """A table of this folder."""
    table: list[Row] = yaml.safe_load((Path(__file__).parent / f"{name}.yaml").read_text())
    return table


def manifest(name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "ibgateway.dev/v1alpha1",
        "kind": "IBGateway",
        "metadata": {"name": name},
        "spec": {"credentialsSecretRef": {"name": "ib-credentials"}, **spec},
    }


def send(cluster: Cluster, namespace: str, verb: str, body: dict[str, Any]) -> dict[str, Any]:
    """`kubectl VERB` with strict field validation off; gives the object as the server answers it."""
    answer = cluster.kubectl(
        verb,
        f"--namespace={namespace}",
        "--validate=false",
        "-o=json",
        "-f=-",
        stdin=json.dumps(body),
    )
    result: dict[str, Any] = json.loads(answer)
    return result


def dry(cluster: Cluster, namespace: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = cluster.kubectl(
        "create",
        f"--namespace={namespace}",
        "--dry-run=server",
        "--validate=false",
        "-o=json",
        "-f=-",
        stdin=json.dumps(body),
    )
    result: dict[str, Any] = json.loads(answer)
    return result


def refusal(cluster: Cluster, namespace: str, body: dict[str, Any]) -> str:
    with pytest.raises(CommandError) as refused:
        dry(cluster, namespace, body)
    return str(refused.value)


@pytest.mark.parametrize("row", rows("accepted"), ids=lambda r: r["row"])
def test_a_good_manifest_is_accepted(cluster: Cluster, namespace: str, row: Row) -> None:
    answer = dry(cluster, namespace, manifest(row["name"], row["spec"]))
    assert answer["metadata"]["name"] == row["name"]


@pytest.mark.parametrize("row", rows("refused"), ids=lambda r: r["row"])
def test_a_bad_manifest_is_refused_with_a_reason(
    cluster: Cluster, namespace: str, row: Row
) -> None:
    said = refusal(cluster, namespace, manifest(row["name"], row["spec"]))
    assert row["message"] in said
    assert "unsaid" not in row or row["unsaid"] not in said


@pytest.mark.parametrize("row", rows("changes"), ids=lambda r: r["row"])
def test_a_change_is_accepted_or_refused(cluster: Cluster, namespace: str, row: Row) -> None:
    cluster.kubectl("delete", "ibgw", "--all", f"--namespace={namespace}")
    send(cluster, namespace, "create", manifest("paper", row["before"]))
    if not row["message"]:
        changed = send(cluster, namespace, "replace", manifest("paper", row["after"]))
        assert changed["metadata"]["generation"] == 2
        return
    with pytest.raises(CommandError) as refused:
        send(cluster, namespace, "replace", manifest("paper", row["after"]))
    assert row["message"] in str(refused.value)


def test_the_server_fills_in_every_default(cluster: Cluster, namespace: str) -> None:
    spec = dry(cluster, namespace, manifest("fresh", {}))["spec"]
    assert spec["tradingMode"] == "paper"
    assert spec["gateway"]["image"]["repository"] == "ghcr.io/gnzsnz/ib-gateway"
    assert spec["gateway"]["autoRestartTime"] == "10:00 PM"
    assert spec["gateway"]["storage"] == {"size": "1Gi", "storageClassName": ""}
    assert spec["login"] == {
        "existingSession": "yield",
        "dailyTakeOvers": 2,
        "approvalSeconds": 180,
        "attemptIntervalSeconds": 900,
        "maxAttempts": 3,
        "dailyAttempts": 6,
        "person": "",
    }
    assert spec["weeklyRestart"] == {"restartAt": "09:00", "timeZone": "America/New_York"}
    assert spec["executor"]["clientId"] == 17
    assert spec["executor"]["whenClosed"] == "keep"
    assert "image" not in spec["executor"]
    assert spec["novnc"] == {
        "enabled": True,
        "auth": "password",
        "actions": "paper",
        "allowedOrigins": [],
    }
    assert spec["networkPolicy"] == {
        "enabled": True,
        "executorClients": [],
        "apiClients": [],
        "allowUnenforced": False,
    }


def test_a_part_of_an_object_gets_the_rest_of_its_defaults(
    cluster: Cluster, namespace: str
) -> None:
    spec = dry(cluster, namespace, manifest("fresh", {"login": {"maxAttempts": 2}}))["spec"]
    assert spec["login"]["maxAttempts"] == 2
    assert spec["login"]["approvalSeconds"] == 180


def test_unknown_fields_are_pruned(cluster: Cluster, namespace: str) -> None:
    spec = dry(cluster, namespace, manifest("fresh", {"unheardOf": 1, "gateway": {"speed": 9}}))[
        "spec"
    ]
    assert "unheardOf" not in spec
    assert "speed" not in spec["gateway"]


def test_an_unknown_key_of_a_pods_part_is_refused_as_kubectl_sends_it(
    cluster: Cluster, namespace: str
) -> None:
    """kubectl asks for strict validation of fields; who turns it off has the key pruned."""
    gateway = {"resources": {"limit": {"memory": "2Gi"}}, "affinity": {"nodeAfinity": {}}}
    body = manifest("fresh", {"gateway": gateway})
    with pytest.raises(CommandError) as refused:
        cluster.kubectl(
            *("create", f"--namespace={namespace}", "--dry-run=server", "-f=-"),
            stdin=json.dumps(body),
        )
    assert 'unknown field "spec.gateway.resources.limit"' in str(refused.value)
    assert 'unknown field "spec.gateway.affinity.nodeAfinity"' in str(refused.value)
    assert dry(cluster, namespace, body)["spec"]["gateway"]["resources"] == {}


def test_a_status_can_only_be_written_as_a_status(cluster: Cluster, namespace: str) -> None:
    body = manifest("fresh", {}) | {"status": {"observedGeneration": 7}}
    assert "observedGeneration" not in dry(cluster, namespace, body).get("status", {})
