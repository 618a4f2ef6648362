"""The operator for OLM: a bundle whose ClusterServiceVersion is made of the chart's objects and the resource's schema.

Pure but for the rendering, which is given.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import yaml

from ibgateway_api.crd import crd
from ibgateway_charts.rendering import Manifest, Rendered

PACKAGE: Final = "ibgateway-operator"
CHANNEL: Final = "alpha"
_HEAD: Final = (
    "# Made from charts/ibgateway-operator by `make charts`: change the chart, not this file.\n"
)
_TARGETS: Final = {"fieldRef": {"fieldPath": "metadata.annotations['olm.targetNamespaces']"}}
_MODES: Final = {
    "OwnNamespace": True,
    "SingleNamespace": False,
    "MultiNamespace": False,
    "AllNamespaces": True,
}
"""OLM gives a CSV's rights in the target namespaces, and the Lease is in the operator's own: it must be one of them."""


def files(rendered: Rendered, chart: Mapping[str, Any]) -> dict[str, str]:
    """Every file of the bundle but the resource, which is a copy of crds/, by its path in it."""
    csv = _csv(rendered, chart)
    calendar = rendered.one("ConfigMap")
    meta = {"name": calendar["metadata"]["name"]}
    made = {
        f"manifests/{PACKAGE}.clusterserviceversion.yaml": csv,
        f"manifests/{meta['name']}.configmap.yaml": {**calendar, "metadata": meta},
        "metadata/annotations.yaml": {"annotations": _annotations()},
    }
    return {place: _HEAD + _text(document) for place, document in made.items()}


def _text(document: Manifest) -> str:
    return yaml.safe_dump(document, sort_keys=False, width=120, allow_unicode=True)


def _annotations() -> dict[str, str]:
    prefix = "operators.operatorframework.io.bundle"
    return {
        f"{prefix}.mediatype.v1": "registry+v1",
        f"{prefix}.manifests.v1": "manifests/",
        f"{prefix}.metadata.v1": "metadata/",
        f"{prefix}.package.v1": PACKAGE,
        f"{prefix}.channels.v1": CHANNEL,
        f"{prefix}.channel.default.v1": CHANNEL,
    }


def _csv(rendered: Rendered, chart: Mapping[str, Any]) -> Manifest:
    version = chart["appVersion"]
    annotations = chart["annotations"]
    return {
        "apiVersion": "operators.coreos.com/v1alpha1",
        "kind": "ClusterServiceVersion",
        "metadata": {
            "name": f"{PACKAGE}.v{version}",
            "annotations": {
                "alm-examples": json.dumps(
                    yaml.safe_load(annotations["artifacthub.io/crdsExamples"]), indent=1
                ),
                "capabilities": annotations["artifacthub.io/operatorCapabilities"],
                "containerImage": _image(rendered),
                "description": chart["description"],
            },
        },
        "spec": {
            "displayName": "IB Gateway operator",
            "description": chart["description"] + ".",
            "version": version,
            "minKubeVersion": re.findall(r"[0-9]+[.][0-9]+[.][0-9]+", chart["kubeVersion"])[0],
            "maturity": CHANNEL,
            "keywords": chart["keywords"],
            "provider": {"name": "ibgateway"},
            "installModes": [{"type": k, "supported": v} for k, v in _MODES.items()],
            "customresourcedefinitions": {"owned": [_owned()]},
            "install": {"strategy": "deployment", "spec": _install(rendered)},
        },
    }


def _image(rendered: Rendered) -> str:
    (container,) = rendered.named("Deployment", PACKAGE)["spec"]["template"]["spec"]["containers"]
    return str(container["image"])


def _owned() -> Manifest:
    document = crd()
    names, (version,) = document["spec"]["names"], document["spec"]["versions"]
    schema = version["schema"]["openAPIV3Schema"]
    return {
        "name": document["metadata"]["name"],
        "version": version["name"],
        "kind": names["kind"],
        "displayName": "IB Gateway",
        "description": schema["description"],
        "specDescriptors": list(_descriptors(schema["properties"]["spec"])),
        "statusDescriptors": list(_descriptors(schema["properties"]["status"])),
    }


def _descriptors(schema: Mapping[str, Any]) -> Iterator[Manifest]:
    """A line for each field of the first level."""
    for name, field in schema["properties"].items():
        words = re.sub(r"([a-z])([A-Z])", r"\1 \2", name)
        yield {
            "path": name,
            "displayName": words[0].upper() + words[1:],
            "description": field.get("description", words),
        }


def _install(rendered: Rendered) -> Manifest:
    rights: dict[str, list[Manifest]] = {}
    for binding in rendered.all("RoleBinding"):
        role = rendered.named("Role", binding["roleRef"]["name"])
        for subject in binding["subjects"]:
            rights.setdefault(subject["name"], []).extend(role["rules"])
    return {
        "deployments": [_deployment(one) for one in rendered.all("Deployment")],
        "permissions": [
            {"serviceAccountName": name, "rules": rules} for name, rules in sorted(rights.items())
        ],
    }


def _deployment(one: Manifest) -> Manifest:
    spec = one["spec"]
    pod = spec["template"]["spec"]
    containers = [{**c, "env": [_variable(v) for v in c["env"]]} for c in pod["containers"]]
    labels = {
        key: value
        for key, value in spec["template"]["metadata"]["labels"].items()
        if not key.startswith("helm.sh/") and key != "app.kubernetes.io/managed-by"
    }
    meta = {**spec["template"]["metadata"], "labels": labels}
    template = {"metadata": meta, "spec": {**pod, "containers": containers}}
    return {"name": one["metadata"]["name"], "spec": {**spec, "template": template}}


def _variable(variable: Manifest) -> Manifest:
    """OLM says by an annotation which namespaces are watched: empty for all."""
    if variable["name"] == "WATCH_NAMESPACE":
        return {"name": variable["name"], "valueFrom": _TARGETS}
    return variable
