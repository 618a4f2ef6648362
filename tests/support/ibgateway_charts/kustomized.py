"""The operator for kustomize: what its chart renders, less what is Helm's, and so that another namespace is one line.

Pure but for the rendering, which is given.
"""

from typing import Any, Final

import yaml

from ibgateway_charts.rendering import Manifest, Rendered

NAMESPACE: Final = "ibgateway"
"""Where the base puts it; an overlay says another one."""
_HEAD: Final = (
    "# Made from charts/ibgateway-operator by `make charts`: change the chart, not this file.\n"
)
_OWN_NAMESPACE: Final = {"fieldRef": {"fieldPath": "metadata.namespace"}}


def base(rendered: Rendered) -> str:
    """The file of the base's objects, without the resource, which is a file of its own beside it."""
    objects = [_object(o) for o in rendered.objects if o["kind"] != "CustomResourceDefinition"]
    return _HEAD + yaml.safe_dump_all(objects, sort_keys=False, width=120)


def _object(one: Manifest) -> Manifest:
    meta = _unhelmed(one["metadata"])
    result = {**one, "metadata": meta}
    if one["kind"] == "Deployment":
        result["spec"] = _deployment(one["spec"])
    if one["kind"] == "NetworkPolicy":
        result["spec"] = {**one["spec"], "egress": [_rule(rule) for rule in one["spec"]["egress"]]}
    return result


def _unhelmed(meta: Manifest) -> Manifest:
    """Labels and annotations without those that tell Helm what is its own."""
    labels = {k: v for k, v in meta.get("labels", {}).items() if not k.startswith("helm.sh/")}
    annotations = {
        k: v for k, v in meta.get("annotations", {}).items() if not k.startswith("helm.sh/")
    }
    if "app.kubernetes.io/managed-by" in labels:
        labels["app.kubernetes.io/managed-by"] = "kustomize"
    rest = {k: v for k, v in meta.items() if k not in {"labels", "annotations"}}
    return rest | ({"labels": labels} if labels else {}) | _present(annotations)


def _present(annotations: dict[str, str]) -> Manifest:
    return {"annotations": annotations} if annotations else {}


def _deployment(spec: Manifest) -> Manifest:
    template = spec["template"]
    pod = template["spec"]
    containers = [{**one, "env": [_variable(v) for v in one["env"]]} for one in pod["containers"]]
    anew = {"metadata": _unhelmed(template["metadata"]), "spec": {**pod, "containers": containers}}
    return {**spec, "template": anew}


def _variable(variable: Manifest) -> Manifest:
    """The watched namespace is wherever the pod is, so that an overlay need not say it twice."""
    if variable["name"] == "WATCH_NAMESPACE":
        return {"name": variable["name"], "valueFrom": _OWN_NAMESPACE}
    return variable


def _rule(rule: Manifest) -> Manifest:
    """A peer without a selector of namespaces is in the policy's own."""
    if "to" not in rule:
        return rule
    peers: list[dict[str, Any]] = [
        {key: value for key, value in peer.items() if key != "namespaceSelector"}
        for peer in rule["to"]
    ]
    return {**rule, "to": peers}
