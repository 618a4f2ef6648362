"""Desired children as tests look at them: by name, and their pods alone."""

from ibgateway_operator.desired import DesiredInput, desired
from ibgateway_operator.model.manifests import Manifest


def children_of(plan: DesiredInput) -> dict[str, Manifest]:
    """By `Kind name`."""
    return {f"{m['kind']} {m['metadata']['name']}": m for m in desired(plan)}


def pod_specs(plan: DesiredInput) -> dict[str, Manifest]:
    """The pods' specs, by component."""
    return {component: template["spec"] for component, template in pod_templates(plan).items()}


def pod_templates(plan: DesiredInput) -> dict[str, Manifest]:
    """The pods' templates, by component."""
    children = children_of(plan)
    return {
        "gateway": children["StatefulSet paper-gateway"]["spec"]["template"],
        "executor": children["Deployment paper-executor"]["spec"]["template"],
        "novnc": children["Deployment paper-novnc"]["spec"]["template"],
    }


def environment(container: Manifest) -> dict[str, str]:
    """A container's variables; empty where the value comes from elsewhere."""
    return {e["name"]: e.get("value", "") for e in container["env"]}
