"""docs/security.md: its tables are the chart's rights and the operator's NetworkPolicies, and nothing else."""

import re
from dataclasses import replace
from pathlib import Path

import yaml

from ibgateway_api import names
from ibgateway_operator.desired import DesiredInput
from ibgateway_operator.model.manifests import Manifest
from operator_fakes import LIVE, children_of, desired_input

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/security.md").read_text()
TEMPLATES = ROOT / "charts/ibgateway-operator/templates"
POSTGRES = 5433
TARGETS = 8443
EVERYTHING: Manifest = {
    "executor": {
        "database": {"postgresSecretRef": {"name": "ledger"}, "postgresPort": POSTGRES},
        "targets": {"url": f"https://desk.example.com:{TARGETS}/targets"},
    },
    "novnc": {"allowedOrigins": ["https://desk.example.com"]},
    "networkPolicy": {
        "executorClients": [{"podSelector": {"app": "strategy"}}],
        "apiClients": [{"podSelector": {"app": "desk"}}],
    },
}
WORDS = {
    "executor": "executor",
    "console": "novnc",
    "operator": names.OPERATOR_AGENT,
    "metrics": "prometheus",
    "`spec.networkPolicy.executorClients`": "strategy",
    "`spec.networkPolicy.apiClients`": "desk",
    "`ibgateway.dev/gateway`": "paper",
}
"""What the page calls a peer, and a label by which its policy does."""


def table(heading: str, number: int = 0) -> list[list[str]]:
    """The rows of a table below a heading, without its head."""
    part = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    tables = re.findall(r"(?:^\|.*\n)+", part, re.MULTILINE)
    rows = [[c.strip() for c in r.strip("|").split("|")] for r in tables[number].splitlines()]
    return rows[2:]


def listed(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_the_rights_are_the_charts() -> None:
    text = (TEMPLATES / "rbac.yaml").read_text()
    [rules] = re.findall(
        r'define "ibgateway-operator.rules" -}}\n(.*?){{- end }}\n\n', text, re.DOTALL
    )
    unconditional = re.sub(r"{{- if .*?{{- end }}\n", "", rules, flags=re.DOTALL)
    chart = yaml.safe_load(re.sub(r"{{.*?}}\n?", "", unconditional, flags=re.DOTALL))
    expected = {
        (group or "core", resource): sorted(rule["verbs"])
        for rule in chart
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }
    page = {
        (group.strip("`"), resource): sorted(listed(verbs))
        for group, resources, verbs, _ in table("What the operator may do")
        for resource in listed(resources)
    }
    assert page == expected


def test_the_rights_on_the_lease_are_the_charts() -> None:
    rows = {row[0]: listed(row[3]) for row in table("What the operator may do", 1)}
    assert rows == {"operator": ["get", "patch", "create"], "watchdog": ["get"]}
    assert "verbs: [get, patch]" in (TEMPLATES / "lease-rbac.yaml").read_text()
    assert "verbs: [create]" in (TEMPLATES / "lease-rbac.yaml").read_text()


def policy(given: DesiredInput, pod: str) -> Manifest:
    component = "novnc" if pod == "console" else pod
    spec: Manifest = children_of(given)[f"NetworkPolicy paper-{component}"]["spec"]
    return spec


def scraped(given: Manifest) -> DesiredInput:
    """What a spec gives, with somebody who reads metrics."""
    peer = {"podSelector": {"matchLabels": {"app": "prometheus"}}}
    return replace(desired_input(given), metrics_from=(peer,))


def let_in(spec: Manifest) -> dict[int, set[str]]:
    """Port to the labels of those who are let in; empty means anybody."""
    found: dict[int, set[str]] = {}
    for rule in spec["ingress"]:
        for port in rule["ports"]:
            found.setdefault(port["port"], set()).update(map(who, rule.get("from", [])))
    return found


def who(peer: Manifest) -> str:
    """The label by which the page's words know a peer."""
    labels = peer["podSelector"]["matchLabels"]
    known = (names.LABEL_COMPONENT, "app", names.LABEL_NAME, names.LABEL_GATEWAY)
    return next(str(labels[label]) for label in known if label in labels)


def said(peers: str) -> set[str]:
    """The peers that a cell names, by those labels."""
    plain = re.sub("`[^`]*`", "", peers)
    return {label for word, label in WORDS.items() if word in (peers if "`" in word else plain)}


def ports(cell: str, *, live: bool) -> set[int]:
    """The numbers of a cell, of which one in two is live's."""
    numbers = {int(number) for number in re.findall(r"\d{2,5}", cell)}
    other = names.PORT_API_PAPER if live else names.PORT_API_LIVE
    return numbers - {other}


def test_who_is_let_in_is_what_the_policies_say() -> None:
    rows = table("What each policy lets through")
    both = {**EVERYTHING, **LIVE, "executor": {**EVERYTHING["executor"], **LIVE["executor"]}}
    for live in (False, True):
        given = scraped(both if live else EVERYTHING)
        for pod in ("gateway", "executor", "console"):
            mine = [row for row in rows if row[0] == pod]
            policies = let_in(policy(given, pod))
            assert {p for row in mine for p in ports(row[1], live=live)} == set(policies)
            for _, port, peers, _ in mine:
                for number in ports(port, live=live):
                    anybody = peers.startswith("anybody")
                    assert policies[number] == (set() if anybody else said(peers)), (pod, number)


def test_where_pods_may_go_is_what_the_policies_say() -> None:
    given = desired_input(EVERYTHING)
    rows = table("What each policy lets through", 1)
    assert "egress" not in policy(given, "gateway")
    assert [row[1].partition(":")[0] for row in rows if row[0] == "gateway"] == ["anywhere"]
    named = {"spec.executor.database.postgresPort": POSTGRES, "that of the URL": TARGETS}
    for pod in ("executor", "console"):
        written = {
            number
            for row in rows
            if row[0] == pod
            for number in (ports(row[2], live=False) or {named[row[2].strip("`")]})
        }
        allowed = {p["port"] for rule in policy(given, pod)["egress"] for p in rule["ports"]}
        assert written == allowed
