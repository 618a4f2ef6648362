"""The commands that NOTES prints name objects that exist and orders that the executor takes."""

import json
import re
import shlex
from urllib.parse import urlsplit

import pytest
import yaml

from ibgateway_api.names import (
    ANNOTATION_LOGIN_REQUESTED_AT,
    PORT_API,
    PORT_EXECUTOR,
    PORT_NOVNC,
    SECRET_TOKEN,
    child_names,
)
from ibgateway_api.spec import IBGatewaySpec
from ibgateway_charts.generated import GATEWAY_CHART, OPERATOR_CHART
from ibgateway_charts.rendering import Helm, Release
from ibgateway_executor.intake.access import host_allowed
from ibgateway_executor.intake.schema import OrderBody

ACCOUNTS = {"executor": {"accounts": ["U1234567"]}}
PAPER = Release("paper", "desk")
OWN = child_names("paper")


def commands(notes: str) -> list[list[str]]:
    """Every indented command as its words; continued lines are joined."""
    joined = re.sub(r"\\\n\s*", "", notes)
    blocks = re.findall(r"^   ((?:kubectl|curl|helm) .*)$", joined, re.MULTILINE)
    return [shlex.split(block.removesuffix("|")) for block in blocks]


def test_the_commands_after_a_gateway_in_their_order(helm: Helm) -> None:
    watch, console, intake, token, curl, describe, again = commands(
        helm.notes(GATEWAY_CHART, {}, PAPER)
    )
    kubectl = ["kubectl", "-n", "desk"]
    assert watch == [*kubectl, "get", "ibgw", "paper", "--watch", "--output", "wide"]
    assert console == [*kubectl, "port-forward", f"svc/{OWN.novnc}", str(PORT_NOVNC)]
    assert intake == [*kubectl, "port-forward", f"svc/{OWN.intake}", str(PORT_EXECUTOR)]
    assert token[:6] == [*kubectl, "get", "secret", OWN.executor_token]
    assert (
        token[7] == f"go-template=Authorization: Bearer {{{{.data.{SECRET_TOKEN} | base64decode}}}}"
    )
    assert curl[-1] == f"http://localhost:{PORT_EXECUTOR}/v1/orders"
    assert describe == [*kubectl, "describe", "ibgw", "paper"]
    assert again[:6] == [*kubectl, "annotate", "ibgw", "paper"]
    assert again[-1].startswith(f"{ANNOTATION_LOGIN_REQUESTED_AT}=")


def test_sunday_is_told_with_the_releases_own_times(helm: Helm) -> None:
    spec = {
        "weeklyRestart": {"restartAt": "10:30", "timeZone": "Europe/Berlin"},
        "login": {"approvalSeconds": 90},
    }
    said = " ".join(helm.notes(GATEWAY_CHART, {"spec": spec}, PAPER).split())
    assert "at 10:30 Europe/Berlin the gateway logs in anew" in said
    assert "approve it within 90 seconds" in said
    plain = " ".join(helm.notes(GATEWAY_CHART, {}, PAPER).split())
    assert "at 09:00 America/New_York the gateway logs in anew" in plain
    assert "approve it within 180 seconds" in plain


def test_the_volumes_that_stay_are_named(helm: Helm) -> None:
    said = helm.notes(GATEWAY_CHART, {}, PAPER)
    assert f"{OWN.executor} (the ledger of every order)" in said
    assert f"data-{OWN.gateway_pod} (the gateway's settings)" in said


@pytest.mark.parametrize(
    "executor",
    [{"enabled": False}, {"image": {"repository": "registry.example.com/my-bot", "tag": "1"}}],
)
def test_without_the_executor_its_volume_stays_only_where_there_was_one(
    helm: Helm, executor: dict[str, object]
) -> None:
    said = " ".join(helm.notes(GATEWAY_CHART, {"spec": {"executor": executor}}, PAPER).split())
    assert "leaves two volumes" not in said
    assert f"leaves the volume data-{OWN.gateway_pod} (the gateway's settings)" in said
    assert f"and {OWN.executor} (the ledger of every order) where the executor ran before" in said


def test_without_console_and_executor_the_commands_are_others(helm: Helm) -> None:
    spec = {"novnc": {"enabled": False}, "executor": {"enabled": False}}
    notes = helm.notes(GATEWAY_CHART, {"spec": spec}, PAPER)
    found = commands(notes)
    assert found[1][3:] == ["logs", OWN.gateway_pod, "--container", "gateway"]
    assert found[2][3:] == ["port-forward", f"svc/{OWN.gateway}", str(PORT_API)]
    assert OWN.novnc not in notes
    assert "curl" not in notes


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({}, 'it asks for VNC_PASSWORD, or "password" if there is none.'),
        ({"tradingMode": "live", **ACCOUNTS}, "it asks for VNC_PASSWORD."),
        (
            {"tradingMode": "live", "novnc": {"auth": "token"}, **ACCOUNTS},
            "it asks for the token in the Secret paper-novnc-token, then for VNC_PASSWORD.",
        ),
    ],
)
def test_the_console_says_what_it_asks_for(helm: Helm, spec: dict[str, object], told: str) -> None:
    assert told in helm.notes(GATEWAY_CHART, {"spec": spec}, PAPER)


def test_the_commands_after_the_operator_end_in_a_gateway(helm: Helm) -> None:
    notes = helm.notes(OPERATOR_CHART, {}, Release("op", "desk"))
    secret, apply, watch, test = commands(notes)
    assert secret == (
        [
            "kubectl",
            "-n",
            "desk",
            "create",
            "secret",
            "generic",
            "ib-credentials",
            "--from-env-file=ib.env",
        ]
    )
    assert apply[:4] == ["kubectl", "apply", "-f", "-"]
    manifest = yaml.safe_load(notes.split("<<'YAML'\n")[1].split("   YAML")[0])
    assert manifest["metadata"] == {"name": "paper", "namespace": "desk"}
    assert IBGatewaySpec.model_validate(manifest["spec"]).credentials_secret_ref.name == secret[6]
    assert watch == ["kubectl", "-n", "desk", "get", "ibgw", "paper", "--watch"]
    assert test == ["helm", "test", "op", "--namespace", "desk", "--logs"]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({}, "watches the namespace desk."),
        ({"watchNamespaces": ["other"]}, "watches the namespace other."),
        ({"watchNamespaces": ["a", "b"]}, "watches the namespaces a, b."),
        ({"rbac": {"scope": "cluster"}}, "watches all namespaces."),
        ({"crds": {"enabled": False}}, "ibgateways.ibgateway.dev must be there already"),
        ({}, "stays when this release is uninstalled"),
    ],
)
def test_the_operators_notes_say_what_it_watches_and_keeps(
    helm: Helm, values: dict[str, object], told: str
) -> None:
    assert told in helm.notes(OPERATOR_CHART, values, Release("op", "desk"))


def order_body(notes: str) -> dict[str, object]:
    curl = next(words for words in commands(notes) if words[0] == "curl")
    body: dict[str, object] = json.loads(curl[curl.index("--data") + 1])
    return body


def test_the_order_in_the_notes_is_one_that_the_executor_takes(helm: Helm) -> None:
    order = OrderBody.model_validate(order_body(helm.notes(GATEWAY_CHART, {}, PAPER)))
    assert (order.contract.symbol, order.side, order.quantity) == ("AAPL", "BUY", 1)
    assert order.order_type == "MKT"


def test_the_order_is_sent_by_a_curl_of_any_age(helm: Helm) -> None:
    curl = next(c for c in commands(helm.notes(GATEWAY_CHART, {}, PAPER)) if c[0] == "curl")
    assert "--json" not in curl, "it needs curl 7.82"
    assert "Content-Type: application/json" in curl


def test_the_executor_answers_to_the_address_in_the_notes(helm: Helm) -> None:
    curl = next(c for c in commands(helm.notes(GATEWAY_CHART, {}, PAPER)) if c[0] == "curl")
    host = urlsplit(curl[-1]).netloc
    assert host == "localhost:8080"
    assert host_allowed(host, gateway="paper", namespace="desk")
