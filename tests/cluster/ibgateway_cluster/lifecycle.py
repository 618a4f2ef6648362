"""`up` and `down`: the order of things. Each step can be repeated: after a kill, just run it again."""

import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ibgateway_cluster import kindconfig, machine, plan, record, routes
from ibgateway_cluster.boots import boot
from ibgateway_cluster.cluster import CLUSTER_LABEL, Cluster, environment, nodes_of, reachable
from ibgateway_cluster.command import stream
from ibgateway_cluster.docker import Docker, own_environment
from ibgateway_cluster.engine import OwnEngine
from ibgateway_cluster.errors import ClusterToolError, CommandError
from ibgateway_cluster.host import Host
from ibgateway_cluster.paths import SOURCES, Paths
from ibgateway_cluster.provision import Provision
from ibgateway_cluster.report import Reporter

_READY_SECONDS = 180
# Watchers of a node full of pods, on hosts whose default is 128.
_INOTIFY_INSTANCES = 512


@dataclass(frozen=True)
class ClusterLifecycle:
    """One cluster's way up and down on this machine."""

    name: str
    paths: Paths
    host: Host
    environ: Mapping[str, str]
    report: Reporter
    workers: int = 0

    @property
    def folder(self) -> Path:
        """The cluster's own folder."""
        return self.paths.cluster(self.name)

    @property
    def own_engine(self) -> OwnEngine:
        """The engine that this tool starts where none answers."""
        return OwnEngine(self.paths, self.host)

    def up(self) -> Cluster:
        """Bring the cluster up, or find that it is; gives it ready for use."""
        docker, engine = self._engine()
        provision = Provision(self.paths, self.host, docker, self.report)
        address = docker.environ.get("DOCKER_HOST", "")
        old = record.read(self.folder)
        cluster = None
        if old is not None and (old.engine, old.docker_host) == (engine, address):
            cluster = self._running(old, provision)
        if cluster is None:
            node = provision.node_image()
            provision.tools()
            cluster = self._create(record.Record(self.name, engine, address, node, self.workers))
        notice = provision.base_image()
        if notice:
            print(notice)
        return cluster

    def _running(self, old: record.Record, provision: Provision) -> Cluster | None:
        """The cluster of an earlier `up` if it still works: a working one is never replaced."""
        provision.tools()
        cluster = self._cluster(old)
        if not self._revived(cluster):
            return None
        self._connect(cluster, old)
        if old.workers != self.workers:
            self.report.say(
                f"{self.name} has {old.workers} workers; `down`, then `up` makes another one"
            )
        if not provision.current(old.node_image):
            self.report.say(
                f"{self.name} runs on an earlier node image; `down`, then `up` renews it"
            )
        return cluster

    def _cluster(self, found: record.Record) -> Cluster:
        env = environment(self.environ, self.paths, found)
        return Cluster(self.name, env, self.folder / "kubeconfig")

    def down(self) -> list[str]:
        """Take the cluster and our engine away; gives what differs on the machine all the same."""
        existing = Docker(dict(self.environ))
        if existing.answers():
            self._delete(existing)
        if not self.own_engine.started_before():
            return []
        own = Docker(own_environment(self.environ, self.own_engine.address))
        try:
            # An engine that was killed is started once more: it knows best what it left behind.
            self.own_engine.start(self.report)
            self._delete(own)
            if self._clusters(own):
                return []
        except ClusterToolError as error:
            self.report.say(f"the engine can't be asked, so it is only ended: {error}")
        self._forget_all()
        return self.own_engine.stop(self.report)

    def _engine(self) -> tuple[Docker, plan.Engine]:
        """A Docker client with an engine behind it, and where that engine comes from."""
        existing = Docker(dict(self.environ))
        kind = plan.engine(answers=existing.answers(), root=self.host.root, debian=self.host.debian)
        if kind is plan.Engine.EXISTING:
            return existing, kind
        docker = Docker(own_environment(self.environ, self.own_engine.address))
        space = Provision(self.paths, self.host, docker, self.report).check_space
        space(plan.Missing(programs=0, node_image=False))
        self.own_engine.start(self.report)
        machine.raise_sysctl("fs/inotify/max_user_instances", _INOTIFY_INSTANCES)
        return docker, kind

    def _revived(self, cluster: Cluster) -> bool:
        """Whether the cluster works, a stopped node having been started again."""
        docker = Docker(cluster.environ)
        try:
            for node in [cluster.node, *nodes_of(docker, cluster.name)]:
                if docker.run("inspect", "-f", "{{.State.Running}}", node).strip() != "true":
                    docker.run("start", node)
            if not reachable(cluster):
                with self.report.step("wait for a cluster that was stopped"):
                    self._wait_answer(cluster)
                    self._wait_ready(cluster)
        except CommandError:
            return False
        return True

    def _create(self, found: record.Record) -> Cluster:
        cluster = self._cluster(found)
        docker = Docker(cluster.environ)
        self._delete(docker)
        audit = self.folder / "audit"
        audit.mkdir(parents=True, exist_ok=True)
        node = plan.Node.BUILT if _is_built(found) else plan.Node.OFFICIAL
        policy, workers = SOURCES / "audit", self._workers(found.workers)
        settings = kindconfig.Settings(node, self.host.cgroup_v2, policy, audit, workers)
        config = self.folder / "kind.json"
        config.write_text(kindconfig.render(settings))
        argv = ["kind", "create", "cluster", "--name", self.name, "--image", found.node_image]
        argv += ["--config", str(config), "--kubeconfig", str(cluster.kubeconfig), "--retain"]
        with self.report.step(f"create cluster {self.name}") as step:
            boot(
                lambda: stream(argv, step.advance, env=cluster.environ),
                lambda: self._remove_nodes(docker),
                self.report.say,
            )
        self._connect(cluster, found)
        with self.report.step("wait until the cluster's own parts are ready"):
            self._wait_ready(cluster)
        record.write(self.folder, found)
        return cluster

    def _remove_nodes(self, docker: Docker) -> None:
        """What the next boot of the same configuration needs stays, or is made again."""
        self._delete(docker)
        (self.folder / "shared").mkdir(exist_ok=True)

    def _connect(self, cluster: Cluster, found: record.Record) -> None:
        """The pods of several nodes with each other, where the node image does not."""
        if found.workers and _is_built(found):
            routes.lay(cluster)

    def _workers(self, number: int) -> kindconfig.Workers | None:
        """What more than one node needs on the host; None for one."""
        if not number:
            return None
        shared = self.folder / "shared"
        shared.mkdir(exist_ok=True)
        first = (SOURCES / "node" / "10-bridge.conflist").read_text()
        bridges = []
        for worker in range(1, number + 1):
            bridges.append(self.folder / f"bridge-{worker}.conflist")
            bridges[-1].write_text(kindconfig.bridge(first, worker))
        return kindconfig.Workers(shared, tuple(bridges))

    def _wait_answer(self, cluster: Cluster) -> None:
        """A node that was started again needs a while until its API server does."""
        deadline = time.monotonic() + _READY_SECONDS
        while not reachable(cluster):
            if time.monotonic() > deadline:
                raise CommandError(["kubectl", "get", "nodes"], 1, "the API server does not answer")
            time.sleep(1)

    def _wait_ready(self, cluster: Cluster) -> None:
        limit = f"--timeout={_READY_SECONDS}s"
        waits = (
            ("--for=condition=Ready", "nodes", "--all"),
            ("--for=condition=Available", "deployments", "--all", "--namespace=kube-system"),
            ("--for=condition=Available", "deployments", "--all", "--namespace=local-path-storage"),
            ("--for=create", "serviceaccount/default", "--namespace=default"),
        )
        for arguments in waits:
            cluster.kubectl("wait", limit, *arguments, timeout=_READY_SECONDS + 20)

    def _delete(self, docker: Docker) -> None:
        """Remove the nodes, their volumes and the network; nothing there is fine."""
        record.erase(self.folder)
        if nodes := nodes_of(docker, self.name):
            with self.report.step(f"delete cluster {self.name}"):
                docker.run("rm", "--force", "--volumes", *nodes)
        if docker.run("network", "ls", "-q", "--filter", f"name=^{self.name}$").strip():
            docker.run("network", "rm", self.name)
        (self.folder / "kubeconfig").unlink(missing_ok=True)
        for place in (self.folder / "audit").glob("*.log"):
            _remove(place)
        if (self.folder / "shared").exists():
            _remove(self.folder / "shared")

    def _clusters(self, docker: Docker) -> list[str]:
        """Names of the clusters that the engine runs."""
        template = f'{{{{.Label "{CLUSTER_LABEL}"}}}}'
        shown = docker.run("ps", "-a", "--filter", f"label={CLUSTER_LABEL}", "--format", template)
        return shown.split()

    def _forget_all(self) -> None:
        """An engine of our own takes all its clusters with it."""
        for folder in self.folder.parent.glob("*"):
            found = record.read(folder)
            if found is not None and found.engine == plan.Engine.OWN:
                record.erase(folder)


def _is_built(found: record.Record) -> bool:
    return found.node_image.startswith(plan.BUILT_NODES)


def _remove(place: Path) -> None:
    try:
        shutil.rmtree(place) if place.is_dir() else place.unlink()
    except PermissionError as error:
        raise ClusterToolError(f"can't remove {place}: remove it as root") from error
