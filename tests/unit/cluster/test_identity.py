from pathlib import Path

import pytest
from click.testing import CliRunner

from ibgateway_cluster import record
from ibgateway_cluster.cli import cli
from ibgateway_cluster.cluster import Cluster, environment, outside
from ibgateway_cluster.errors import ForeignClusterError, NotRunningError
from ibgateway_cluster.paths import Paths, paths
from ibgateway_cluster.record import Record


@pytest.mark.parametrize("name", ["ibgateway", "ibgateway-two", "ibgateway-ci-7"])
def test_names_of_our_own_are_accepted(name: str) -> None:
    assert record.checked_name(name) == name


@pytest.mark.parametrize(
    "name", ["kind", "prod", "my-ibgateway", "ibgatewayx", "ibgateway-A", "ibgateway-$(x)", ""]
)
def test_any_other_cluster_name_is_refused(name: str) -> None:
    with pytest.raises(ForeignClusterError, match="refused"):
        record.checked_name(name)


def test_the_command_line_refuses_a_foreign_cluster_before_doing_anything() -> None:
    outcome = CliRunner().invoke(cli, ["--name", "production", "down"])
    assert isinstance(outcome.exception, ForeignClusterError)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--context=prod", "get", "pods"],
        ["get", "pods", "--context", "prod"],
        ["--kubeconfig=/home/me/.kube/config", "get", "pods"],
        ["-s", "https://prod:6443", "get", "pods"],
        ["list", "--kube-context", "prod"],
    ],
)
def test_kubectl_and_helm_can_not_be_pointed_at_another_cluster(arguments: list[str]) -> None:
    ours = Cluster("ibgateway", {}, Path("/nowhere"))
    with pytest.raises(ForeignClusterError, match="would leave the cluster"):
        ours.kubectl(*arguments)
    with pytest.raises(ForeignClusterError, match="would leave the cluster"):
        ours.helm(*arguments)


def test_what_follows_a_double_dash_belongs_to_the_program_in_the_pod() -> None:
    record.checked_arguments(["exec", "pod", "--", "redis-cli", "-s", "/run/x.sock"])


def test_a_kubeconfig_whose_context_was_switched_is_refused() -> None:
    with pytest.raises(ForeignClusterError, match="'prod', not 'kind-ibgateway'"):
        record.checked_kubeconfig("apiVersion: v1\ncurrent-context: prod\n", "ibgateway")


def test_our_kubeconfig_is_accepted() -> None:
    record.checked_kubeconfig("current-context: kind-ibgateway\nkind: Config\n", "ibgateway")


def test_a_cluster_that_is_not_up_is_said_to_be_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(NotRunningError, match="make cluster"):
        Cluster.attach()


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    written = Record("ibgateway", "own", "unix:///run/x.sock", "ibgateway/node:1")
    record.write(tmp_path, written)
    assert record.read(tmp_path) == written
    record.erase(tmp_path)
    assert record.read(tmp_path) is None


PLACES = Paths(cache=Path("/c"), run=Path("/run/ibgateway-1"))


def test_every_tool_is_pointed_at_the_cluster_and_its_engine() -> None:
    found = Record("ibgateway", "own", "unix:///run/ibgateway-1/docker.sock", "n")
    environ = {"PATH": "/bin", "DOCKER_CONTEXT": "remote", "KUBECONFIG": "/home/me/.kube/config"}
    assert environment(environ, PLACES, found) == {
        "PATH": "/c/bin:/bin",
        "DOCKER_HOST": "unix:///run/ibgateway-1/docker.sock",
        "DOCKER_BUILDKIT": "0",
        "KUBECONFIG": "/c/clusters/ibgateway/kubeconfig",
        "KIND_EXPERIMENTAL_DOCKER_NETWORK": "ibgateway",
    }


def test_a_users_own_engine_keeps_the_users_docker_settings() -> None:
    environ = {"PATH": "/bin", "DOCKER_CONTEXT": "colima"}
    found = Record("ibgateway", "existing", "", "n")
    assert environment(environ, PLACES, found)["DOCKER_CONTEXT"] == "colima"


def test_exports_of_an_earlier_cluster_do_not_make_our_engine_look_like_the_users() -> None:
    environ = {"PATH": "/c/bin:/bin", "DOCKER_HOST": "unix:///run/ibgateway-1/docker.sock"}
    assert outside(environ, PLACES) == {"PATH": "/bin"}
    other = {"PATH": "/bin", "DOCKER_HOST": "tcp://10.0.0.1:2376"}
    assert outside(other, PLACES) == other


def test_two_cache_folders_mean_two_engines() -> None:
    one = paths({}, home=Path("/root"), root=True)
    two = paths({"XDG_CACHE_HOME": "/data"}, home=Path("/root"), root=True)
    assert one.cache == Path("/root/.cache/ibgateway/cluster")
    assert two.cache == Path("/data/ibgateway/cluster")
    assert one.socket != two.socket
    assert len(str(one.socket)) < 100
