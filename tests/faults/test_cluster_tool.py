"""The cluster tool under fire, for real: an engine and a cluster of its own in a network of its own.

The images come from the running cluster (`make cluster`), so that nothing is built twice; everything
else is a second world: its cache folder, its engine, its iptables.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ibgateway_cluster import Cluster, host
from ibgateway_cluster.docker import Docker
from ibgateway_cluster.paths import SOURCES, Paths, paths
from ibgateway_cluster.provision import Provision
from ibgateway_cluster.report import Reporter
from ibgateway_cluster.rootfs import BASE_IMAGE

pytestmark = [
    pytest.mark.cluster_tool,
    pytest.mark.timeout(900),
    pytest.mark.skipif(os.geteuid() != 0, reason="an engine of our own needs root"),
]
NODE = "ibgateway-control-plane"
START_ENGINE = """
import os
from ibgateway_cluster import host
from ibgateway_cluster.engine import OwnEngine
from ibgateway_cluster.paths import paths
from ibgateway_cluster.report import Reporter
from pathlib import Path
OwnEngine(paths(os.environ, home=Path.home(), root=True), host.probe()).start(Reporter())
"""


@dataclass(frozen=True)
class World:
    """A network namespace and a cache folder; `paths` are the tool's places in it."""

    network: int
    cache: Path
    paths: Paths

    def argv(self, *argv: str) -> list[str]:
        return ["nsenter", f"--net=/proc/{self.network}/ns/net", *argv]

    @property
    def environ(self) -> dict[str, str]:
        drop = {"DOCKER_HOST", "KUBECONFIG"}
        env = {key: value for key, value in os.environ.items() if key not in drop}
        return {**env, "XDG_CACHE_HOME": str(self.cache), "PYTHONPATH": str(SOURCES)}

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        argv = self.argv(sys.executable, "-m", "ibgateway_cluster", *arguments)
        pipe = subprocess.PIPE
        return subprocess.Popen(argv, env=self.environ, stdout=pipe, stderr=pipe, text=True)

    def tool(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        process = self.start(*arguments)
        out, err = process.communicate()
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def run(self, *argv: str) -> str:
        done = subprocess.run(
            self.argv(*argv), env=self.environ, capture_output=True, text=True, check=True
        )
        return done.stdout

    def docker(self, *arguments: str) -> str:
        return self.run("docker", "--host", f"unix://{self.paths.socket}", *arguments)

    def kubectl(self, *arguments: str) -> str:
        folder = self.paths.cluster("ibgateway")
        kubectl = str(self.paths.tools / "kubectl")
        return self.run(kubectl, f"--kubeconfig={folder / 'kubeconfig'}", *arguments)

    def identity(self) -> str:
        """Differs from cluster to cluster."""
        return self.kubectl("get", "namespace", "kube-system", "-o", "jsonpath={.metadata.uid}")

    def kill_engine(self) -> None:
        os.kill(int(self.paths.engine_pid.read_text()), 9)

    def traces(self) -> dict[str, list[str]]:
        """What an engine leaves on a machine if nobody cleans up after it."""
        places = (str(self.cache), str(self.paths.run))
        mounts = Path("/proc/self/mountinfo").read_text().splitlines()
        rules = self.run("iptables-save") + self.run("ip6tables-save")
        return {
            "links": [line.split()[1] for line in self.run("ip", "-o", "link").splitlines()],
            "rules": [line for line in rules.splitlines() if line.startswith("-A")],
            "chains": [
                line for line in rules.splitlines() if line.startswith(":") and " - " in line
            ],
            "policies": [line for line in rules.splitlines() if " DROP " in line],
            "mounts": [line for line in mounts if any(place in line for place in places)],
            "processes": _processes(str(self.paths.run)),
            "forwarding": [self.run("cat", "/proc/sys/net/ipv4/ip_forward")],
            "run": [str(self.paths.run)] if self.paths.run.exists() else [],
        }


def _processes(mark: str) -> list[str]:
    lines = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(place.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return [line for line in lines if mark in line]


def eventually(condition: Callable[[], bool], *, within: float) -> bool:
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


@pytest.fixture(scope="module")
def network() -> Iterator[int]:
    script = "ip link set lo up && echo up && exec sleep infinity"
    argv = ["unshare", "--net", "sh", "-c", script]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        yield process.pid
        process.kill()


@pytest.fixture(scope="module")
def world(network: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    source = Cluster.attach()
    cache = tmp_path_factory.mktemp("cache")
    found = World(network, cache, paths({"XDG_CACHE_HOME": str(cache)}, home=cache, root=True))
    found.paths.cache.mkdir(parents=True)
    programs = paths(os.environ, home=Path.home(), root=True).programs
    found.paths.programs.symlink_to(programs)
    try:
        found.run(sys.executable, "-c", START_ENGINE)
        seed(source, found)
        yield found
    finally:
        found.tool("down")


def seed(source: Cluster, target: World) -> None:
    """Give the second engine the images that `up` looks for; the first one makes what it lacks."""
    places = paths(os.environ, home=Path.home(), root=True)
    first = Provision(places, host.probe(), Docker(source.environ), Reporter())
    save = ["docker", "save", first.node_image(), BASE_IMAGE]
    with subprocess.Popen(save, env=dict(source.environ), stdout=subprocess.PIPE) as saving:
        load = ["docker", "--host", f"unix://{target.paths.socket}", "load"]
        subprocess.run(load, stdin=saving.stdout, check=True, capture_output=True)
    assert saving.returncode == 0


@pytest.fixture(scope="module")
def untouched(world: World) -> dict[str, list[str]]:
    """The second world without an engine; its images are in the cache."""
    assert world.tool("down").returncode == 0
    return world.traces()


@pytest.fixture
def up(world: World, untouched: dict[str, list[str]]) -> World:
    assert untouched["processes"] == []
    done = world.tool("up")
    assert done.returncode == 0, done.stderr
    return world


def test_a_machine_without_the_engine_shows_no_trace_of_it(
    untouched: dict[str, list[str]],
) -> None:
    assert untouched == {
        "links": ["lo:"],
        "rules": [],
        "chains": [],
        "policies": [],
        "mounts": [],
        "processes": [],
        "forwarding": untouched["forwarding"],
        "run": [],
    }


def test_of_two_starts_at_once_one_works_and_the_other_waits_for_it(
    world: World, untouched: dict[str, list[str]]
) -> None:
    assert untouched["run"] == []
    first = world.start("up")
    assert eventually(lambda: "up" in _lock_holder(world), within=30)
    impatient = world.tool("up", "--no-wait")
    second = world.tool("up")
    first.communicate()
    assert first.returncode == 0
    assert impatient.returncode == 1
    assert "another run of this tool is at work" in impatient.stderr
    assert second.returncode == 0
    assert "waiting for it" in second.stderr
    assert "create cluster" not in second.stderr
    assert world.tool("status").returncode == 0


def _lock_holder(world: World) -> str:
    try:
        pid = world.paths.lock.read_text()
        return (Path("/proc") / pid / "cmdline").read_text() if pid else ""
    except FileNotFoundError:
        return ""


def test_a_start_after_the_engine_was_killed_brings_back_the_same_cluster(up: World) -> None:
    before = up.identity()
    up.kill_engine()
    assert up.tool("status").returncode == 1
    done = up.tool("up")
    assert done.returncode == 0, done.stderr
    assert up.identity() == before
    assert up.tool("status").returncode == 0


def test_a_start_after_a_killed_start_makes_a_whole_cluster(up: World) -> None:
    assert up.tool("down").returncode == 0
    killed = up.start("up")
    assert eventually(lambda: _node_runs(up), within=120)
    killed.kill()
    killed.communicate()
    done = up.tool("up")
    assert done.returncode == 0, done.stderr
    assert up.kubectl("get", "nodes", "-o", "name") == f"node/{NODE}\n"
    assert up.tool("status").returncode == 0


def _node_runs(world: World) -> bool:
    try:
        return NODE in world.docker("ps", "--format", "{{.Names}}")
    except subprocess.CalledProcessError:
        return False


def test_the_end_leaves_the_machine_as_it_was(up: World, untouched: dict[str, list[str]]) -> None:
    assert up.traces() != untouched
    done = up.tool("down")
    assert (done.returncode, done.stdout) == (0, "cluster ibgateway is down\n")
    assert up.traces() == untouched


def test_the_end_after_the_engine_was_killed_leaves_the_machine_as_it_was(
    up: World, untouched: dict[str, list[str]]
) -> None:
    up.kill_engine()
    done = up.tool("down")
    assert done.returncode == 0, done.stderr
    assert up.traces() == untouched


def test_a_small_disk_is_refused_before_anything_starts(
    world: World, untouched: dict[str, list[str]], tmp_path: Path
) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1g", "tmpfs", tmp_path], check=True)
    try:
        places = paths({"XDG_CACHE_HOME": str(tmp_path)}, home=tmp_path, root=True)
        small = World(world.network, tmp_path, places)
        done = small.tool("up")
        assert done.returncode == 1
        assert "1.0 GiB free, 2 GiB are needed" in done.stderr
        assert small.traces()["processes"] == untouched["processes"]
    finally:
        subprocess.run(["umount", tmp_path], check=True)
