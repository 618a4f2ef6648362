"""Services: which ports, and which publish what is not ready."""

from ibgateway_operator.model.manifests import Manifest
from operator_fakes import LIVE, children_of, desired_input


def ports(service: Manifest) -> dict[int, int]:
    return {p["port"]: p["targetPort"] for p in service["spec"]["ports"]}


def test_the_api_is_on_4001_in_both_modes() -> None:
    assert ports(children_of(desired_input())["Service paper-gateway"]) == {4001: 4004}
    assert ports(children_of(desired_input(LIVE))["Service paper-gateway"]) == {4001: 4003}


def test_services_publish_what_is_not_ready_only_where_it_is_meant() -> None:
    services = {n: m for n, m in children_of(desired_input()).items() if m["kind"] == "Service"}
    assert {n: m["spec"].get("publishNotReadyAddresses", False) for n, m in services.items()} == {
        "Service paper-executor": False,
        "Service paper-executor-intake": True,
        "Service paper-gateway": False,
        "Service paper-gateway-pods": True,
        "Service paper-novnc": False,
    }
    assert services["Service paper-gateway-pods"]["spec"]["clusterIP"] == "None"
    assert ports(services["Service paper-novnc"]) == {6080: 6080}
    assert ports(services["Service paper-executor"]) == {8080: 8080}
