import json
import subprocess
import sys
import textwrap
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ibgateway_cluster import engine, host, kindconfig, lock, packages
from ibgateway_cluster.cluster import audit_event
from ibgateway_cluster.errors import BusyError, ClusterToolError, UnsupportedError
from ibgateway_cluster.paths import SOURCES, Paths
from ibgateway_cluster.plan import Node

LINE = json.dumps(
    {
        "verb": "patch",
        "user": {"username": "system:serviceaccount:ib:operator"},
        "objectRef": {
            "resource": "ibgateways",
            "subresource": "status",
            "namespace": "ib",
            "name": "paper",
            "apiGroup": "ibgateway.dev",
        },
        "responseStatus": {"code": 200},
        "requestReceivedTimestamp": "2026-11-22T11:55:38.568951Z",
    }
)


def test_an_audit_line_says_who_did_what_to_which_object() -> None:
    event = audit_event(LINE)
    assert event is not None
    assert (event.user, event.verb) == ("system:serviceaccount:ib:operator", "patch")
    assert (event.group, event.resource, event.subresource) == (
        "ibgateway.dev",
        "ibgateways",
        "status",
    )
    assert (event.namespace, event.name, event.code) == ("ib", "paper", 200)
    assert event.at == datetime(2026, 11, 22, 11, 55, 38, 568951, tzinfo=UTC)
    assert event.writes


def test_a_read_is_not_a_write() -> None:
    event = audit_event(LINE.replace('"patch"', '"watch"'))
    assert event is not None
    assert not event.writes


def test_a_request_of_nobody_has_no_user() -> None:
    nobody = json.loads(LINE) | {"user": {}, "responseStatus": {"code": 401}}
    event = audit_event(json.dumps(nobody))
    assert event is not None
    assert (event.user, event.code) == ("", 401)


def test_a_line_that_is_still_being_written_is_no_event() -> None:
    assert audit_event(LINE[:60]) is None


def rendered(*, node: Node, cgroup_v2: bool) -> list[dict[str, object]]:
    settings = kindconfig.Settings(node, cgroup_v2, Path("/p"), Path("/a"))
    document = json.loads(kindconfig.render(settings))
    return [json.loads(patch) for patch in document["kubeadmConfigPatches"]]


def test_the_official_image_on_cgroup_v2_keeps_its_kubelet_as_it_is() -> None:
    kinds = [patch["kind"] for patch in rendered(node=Node.OFFICIAL, cgroup_v2=True)]
    assert kinds == ["ClusterConfiguration"]


def test_a_kubelet_on_cgroup_v1_is_told_not_to_give_up() -> None:
    patch = rendered(node=Node.OFFICIAL, cgroup_v2=False)[1]
    assert patch == {
        "kind": "KubeletConfiguration",
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "failCgroupV1": False,
    }


def test_a_node_without_systemd_makes_its_control_groups_itself() -> None:
    patch = rendered(node=Node.BUILT, cgroup_v2=True)[1]
    assert (patch["cgroupDriver"], patch["cgroupRoot"]) == ("cgroupfs", "")
    assert "failCgroupV1" not in patch


def test_the_audit_log_is_always_on() -> None:
    patch = rendered(node=Node.OFFICIAL, cgroup_v2=True)[0]
    server = patch["apiServer"]
    assert isinstance(server, dict)
    arguments = {one["name"]: one["value"] for one in server["extraArgs"]}
    assert arguments["audit-log-path"] == "/var/log/kubernetes/audit/audit.log"
    assert arguments["audit-policy-file"] == "/etc/kubernetes/audit/audit-policy.yaml"
    assert (SOURCES / "audit" / "audit-policy.yaml").is_file()


def test_missing_capabilities_are_read_from_the_bounding_set() -> None:
    text = "Name:\tx\nCapBnd:\t000001fffeffffff\nNoNewPrivs:\t0\n"
    assert not host.has_capability(text, 24)
    assert host.has_capability(text, 21)


PLACES = Paths(cache=Path("/c"), run=Path("/run/ibgateway-1"))


def test_an_engine_of_our_own_keeps_everything_in_our_folders() -> None:
    settings = engine.configuration(
        PLACES, bridge="10.198.0.1/24", pool="10.199.0.0/16", runtime=None
    )
    assert settings == {
        "data-root": "/c/engine",
        "exec-root": "/run/ibgateway-1/exec",
        "pidfile": "/run/ibgateway-1/dockerd.pid",
        "hosts": ["unix:///run/ibgateway-1/docker.sock"],
        "bip": "10.198.0.1/24",
        "default-address-pools": [{"base": "10.199.0.0/16", "size": 24}],
        "deprecated-key-path": "/run/ibgateway-1/key.json",
    }


def test_runc_is_wrapped_only_where_root_lacks_the_capability() -> None:
    wrapper = Path("/w/runc-without-sys-resource")
    settings = engine.configuration(PLACES, bridge="b", pool="p", runtime=wrapper)
    assert settings["default-runtime"] == "without-sys-resource"
    assert settings["runtimes"] == {"without-sys-resource": {"path": str(wrapper)}}


def test_container_networks_avoid_what_the_machine_routes_to() -> None:
    routes = ["192.168.1.0/24", "10.198.7.0/24", "10.200.0.0/15"]
    assert engine.free_blocks(routes) == ("10.199.0.1/24", "10.202.0.0/16")


def test_a_machine_that_routes_to_all_of_them_is_told_so() -> None:
    with pytest.raises(ClusterToolError, match="no free addresses"):
        engine.free_blocks(["10.0.0.0/8"])


def test_only_packages_whose_files_are_not_there_are_missing(tmp_path: Path) -> None:
    there = tmp_path / "usr" / "bin" / "jq"
    there.parent.mkdir(parents=True)
    there.touch()
    assert packages.missing(["jq", "iptables"], root=tmp_path) == ["iptables"]


def test_a_second_run_that_may_not_wait_is_told_who_is_at_work(tmp_path: Path) -> None:
    place = tmp_path / "lock"
    code = f"""
        from pathlib import Path
        from ibgateway_cluster import lock
        with lock.held(Path({str(place)!r}), wait=True, say=print):
            print("held", flush=True)
            input()
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        env={"PYTHONPATH": str(SOURCES)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with (
            pytest.raises(BusyError, match=f"process {holder.pid}"),
            lock.held(place, wait=False, say=print),
        ):
            pass
        holder.kill()
    with lock.held(place, wait=False, say=print):
        assert place.read_text().isdecimal()


def test_a_home_that_can_not_be_made_is_a_sentence_with_what_to_set(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(UnsupportedError, match="set HOME, or XDG_CACHE_HOME"),
        lock.held(tmp_path / "file" / "cluster" / "lock", wait=True, say=print),
    ):
        pass
