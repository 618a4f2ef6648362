"""What the pages' commands and YAML name is there: charts and their values, fields, files, build targets, children, keys."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from ibgateway_api import names
from ibgateway_api.spec import IBGatewaySpec
from ibgateway_house.page_commands import calls, commands, yaml_documents

ROOT = Path(__file__).parents[3]
PAGES = sorted(
    str(page.relative_to(ROOT))
    for pattern in ("*.md", "docs/*.md", "docs/runbooks/*.md", "charts/*/README.md")
    for page in ROOT.glob(pattern)
    if page.name != "CHANGELOG.md"
)
CRD = yaml.safe_load((ROOT / "crds/ibgateway.dev_ibgateways.yaml").read_text())
SPEC = CRD["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
CHARTS = {
    f"charts/{name}": json.loads((ROOT / f"charts/{name}/values.schema.json").read_text())
    for name in ("ibgateway", "ibgateway-operator")
}
DOCKERFILE = (ROOT / "Dockerfile").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()
FOLDERS = tuple(f"{path.name}/" for path in ROOT.iterdir() if path.is_dir() and path.name[0] != ".")
GATEWAYS = ("paper", "simulated", "live")
"""What the pages call a gateway."""
BY_DEMO = {"ibkr"}


def scripts(page: str) -> list[str]:
    return list(commands((ROOT / page).read_text()))


def every_call(page: str) -> list[list[str]]:
    return [call for script in scripts(page) for call in calls(script)]


def resolved(node: Mapping[str, Any], chart: str) -> Mapping[str, Any]:
    """A node of a chart's schema, behind its reference."""
    while "$ref" in node:
        for part in node["$ref"].removeprefix("#/").split("/"):
            node = node[part] if part in node else CHARTS[chart][part]
    return node


def is_value(chart: str, path: str) -> bool:
    """Whether a chart has a value of that name; below a map of free keys everything is one."""
    node: Mapping[str, Any] = CHARTS[chart]
    for part in path.split("."):
        node = resolved(node, chart)
        if part not in node.get("properties", {}):
            return "properties" not in node or isinstance(node.get("additionalProperties"), dict)
        node = node["properties"][part]
    return True


def given_values(words: list[str]) -> Iterator[str]:
    """The paths that `--set`, `--set-json` and their like name."""
    for number, word in enumerate(words):
        option, _, rest = word.partition("=")
        if re.fullmatch(r"--set(?:-\w+)?", option):
            yield (rest or words[number + 1]).partition("=")[0]


def unknown_fields(value: Any, node: Mapping[str, Any], path: str = "spec") -> Iterator[str]:
    """Fields of a spec that the resource does not have."""
    if isinstance(value, list):
        for item in value:
            yield from unknown_fields(item, node.get("items", {}), f"{path}[]")
    elif isinstance(value, dict) and "properties" in node:
        for key, below in value.items():
            if key in node["properties"]:
                yield from unknown_fields(below, node["properties"][key], f"{path}.{key}")
            else:
                yield f"{path}.{key}"


def specs(page: str) -> Iterator[dict[str, Any]]:
    """The specs on a page, whole or in part."""
    for document in yaml_documents((ROOT / page).read_text()):
        if isinstance(document, dict) and document.get("kind", names.KIND) == names.KIND:
            if "spec" in document:
                yield document["spec"]
            elif set(document) & set(SPEC["properties"]):
                yield document


def test_what_is_found_on_a_page() -> None:
    text = (
        "Say `kubectl get ibgw`:\n\n    helm install a charts/ibgateway \\\n      --set x.y=1 && make demo\n\n"
        "```bash\nkubectl apply -f - <<'END'\napiVersion: v1\nEND\ncat a.b | kubectl get pods  # words; more\n```\n\n    spec:\n      suspend: true\n"
    )
    found = [call for script in commands(text) for call in calls(script)]
    assert found == [
        ["kubectl", "apply", "-f", "-"],
        ["cat", "a.b"],
        ["kubectl", "get", "pods"],
        ["helm", "install", "a", "charts/ibgateway", "--set", "x.y=1"],
        ["make", "demo"],
        ["kubectl", "get", "ibgw"],
    ]
    assert list(yaml_documents(text)) == [{"apiVersion": "v1"}, {"spec": {"suspend": True}}]


def test_a_block_in_another_language_hides_nothing_behind_it() -> None:
    text = "```yaml\na: 1\n```\n\n```bash\nkubectl get pods\n```\n\n```\nmake demo\n```\n"
    assert list(commands(text)) == ["kubectl get pods\n", "make demo\n"]


def test_what_a_value_and_a_field_are() -> None:
    assert is_value("charts/ibgateway-operator", "images.agent.repository")
    assert is_value("charts/ibgateway-operator", "podLabels.team")
    assert not is_value("charts/ibgateway-operator", "image.agent.repository")
    assert not is_value("charts/ibgateway-operator", "images.agent.name")
    assert is_value("charts/ibgateway", "spec.gateway.resources.requests.memory")
    assert not is_value("charts/ibgateway", "spec.gateway.javaHeap")
    wrong = {"executor": {"backup": {"claim": "a"}, "accounts": ["DU1"]}}
    assert list(unknown_fields(wrong, SPEC)) == ["spec.executor.backup.claim"]
    assert list(given_values(["helm", "--set", "a.b=c=d", "--set-json=e=[1]"])) == ["a.b", "e"]


def test_the_newcomers_commands_are_found() -> None:
    words = [" ".join(call[:3]) for call in every_call("README.md")]
    assert words[:2] == ["make demo", "make test"]
    assert {"helm install ibgateway-operator", "helm install paper"} <= set(words)


@pytest.mark.parametrize("page", PAGES)
def test_every_chart_and_value_is_there(page: str) -> None:
    missing = []
    for words in every_call(page):
        if words[:2] in (["helm", "install"], ["helm", "upgrade"]) and words[2:]:
            [chart] = [word for word in words if word.startswith("charts/")] or ["none"]
            missing += [chart] * (chart not in CHARTS)
            missing += [path for path in given_values(words) if not is_value(chart, path)]
    assert missing == []


@pytest.mark.parametrize("page", PAGES)
def test_every_field_is_the_resources_and_is_taken(page: str) -> None:
    for spec in specs(page):
        assert list(unknown_fields(spec, SPEC)) == []
        IBGatewaySpec.model_validate({"credentialsSecretRef": {"name": "ib-credentials"}, **spec})


@pytest.mark.parametrize("page", PAGES)
def test_every_file_is_there(page: str) -> None:
    named = [word for words in every_call(page) for word in words if word.startswith(FOLDERS)]
    assert [path for path in named if not list(ROOT.glob(path.partition("::")[0]))] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_target_and_argument_of_a_build_is_there(page: str) -> None:
    missing = []
    for script in scripts(page):
        targets = re.findall(r"--target[ =]([a-z]\S*)", script)
        for listed in re.findall(r"for target in ([^;\n]+);", script):
            targets += listed.split()
        missing += [t for t in targets if not re.search(rf"AS {t}$", DOCKERFILE, re.MULTILINE)]
        asked = re.findall(r"--build-arg[ =](\w+)=", script)
        missing += [a for a in asked if not re.search(rf"^ARG {a}\b", DOCKERFILE, re.MULTILINE)]
    assert missing == []


@pytest.mark.parametrize("page", PAGES)
def test_every_target_of_make_is_there(page: str) -> None:
    named = [
        word
        for words in every_call(page)
        if words[0] == "make"
        for word in words[1:]
        if re.fullmatch(r"[a-z][a-z0-9-]*", word)
    ]
    assert [n for n in named if not re.search(rf"^{n}:", MAKEFILE, re.MULTILINE)] == []


def children() -> set[str]:
    """Every name that the pages may call an object of a gateway or of the operator by."""
    found = {names.OPERATOR_AGENT, *BY_DEMO}
    for gateway in GATEWAYS:
        mine = names.child_names(gateway)
        found |= {*mine, mine.gateway_pod, mine.gateway_claim, mine.notifications}
        found |= {gateway, f"{gateway}-novnc-token"}
    return found


@pytest.mark.parametrize("page", PAGES)
def test_every_object_that_is_asked_for_has_one_of_our_names(page: str) -> None:
    kinds = r"(?:svc|service|deploy|deployment|pod|ibgw|statefulset|pvc)/([^\s\"']+)"
    named = [
        name
        for words in every_call(page)
        if words[0] in ("kubectl", "k")
        for name in re.findall(kinds, " ".join(words).replace("$GW", "paper"))
    ]
    assert [name for name in named if name not in children()] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_key_of_the_credentials_is_one_that_is_read(page: str) -> None:
    keys = {names.SECRET_USERNAME, names.SECRET_PASSWORD, names.SECRET_VNC_PASSWORD}
    text = "\n".join(scripts(page))
    assert set(re.findall(r"\b((?:IB|VNC)_[A-Z]+)=", text)) <= keys
