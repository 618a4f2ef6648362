"""`up` and `down`: the order of things. Each step can be repeated, so a killed run is simply run again."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ibgateway_cluster import kindconfig, machine, plan, record, rootfs, tools
from ibgateway_cluster.cluster import Cluster, environment, reachable
from ibgateway_cluster.command import run, stream
from ibgateway_cluster.docker import Docker, own_environment
from ibgateway_cluster.engine import OwnEngine
from ibgateway_cluster.errors import ClusterToolError, CommandError, UnsupportedError
from ibgateway_cluster.gobuild import GoBuilder, builder
from ibgateway_cluster.host import Host, ca_bundle, free_bytes
from ibgateway_cluster.nodeimage import NodeImage
from ibgateway_cluster.paths import SOURCES, Paths
from ibgateway_cluster.report import Reporter

_READY_SECONDS = 180


@dataclass(frozen=True)
class Lifecycle:
    """One cluster's way up and down on this machine."""

    name: str
    paths: Paths
    host: Host
    environ: Mapping[str, str]
    report: Reporter

    @property
    def folder(self) -> Path:
        """The cluster's own folder."""
        return self.paths.cluster(self.name)

    def up(self) -> Cluster:
        """Bring the cluster up, or find that it is; gives it ready for use."""
        docker, engine = self._engine()
        node = self._node_image(docker, self._go(docker))
        self._base_image(docker)
        found = record.Record(self.name, engine, docker.environ.get("DOCKER_HOST", ""), node)
        env = environment(self.environ, self.paths, found)
        cluster = Cluster(self.name, env, self.folder / "kubeconfig")
        if record.read(self.folder) == found and self._revived(cluster):
            self.report.say(f"cluster {self.name} is up")
            return cluster
        self._create(cluster, found)
        return cluster

    def down(self) -> list[str]:
        """Take the cluster and our engine away; gives what differs on the machine all the same."""
        engine = OwnEngine(self.paths, self.host)
        found = record.read(self.folder)
        own = engine.started_before()
        if own:
            engine.start(self.report)
        environ = own_environment(self.environ, engine.address) if own else dict(self.environ)
        if own or found:
            self._delete(Docker(environ))
        others = [one for one in self._clusters() if one != self.name]
        if own and not others:
            return engine.stop(self.report)
        return []

    def _engine(self) -> tuple[Docker, str]:
        """A Docker client with an engine behind it, and where that engine comes from."""
        existing = Docker(dict(self.environ))
        kind = plan.engine(answers=existing.answers(), root=self.host.root, debian=self.host.debian)
        if kind is plan.Engine.EXISTING:
            return existing, kind
        engine = OwnEngine(self.paths, self.host)
        plan.check_space(free_bytes(self.paths.cache), plan.SMALLEST, str(self.paths.cache))
        engine.start(self.report)
        machine.raise_sysctl("fs/inotify/max_user_instances", 512)
        return Docker(own_environment(self.environ, engine.address)), kind

    def _go(self, docker: Docker) -> GoBuilder | None:
        """Go programs to hand: a builder, or None on a machine that needs none and has no Go."""
        try:
            return builder(
                SOURCES / "modules", self.paths.programs, arch=self.host.arch, environ=self.environ
            )
        except UnsupportedError:
            if docker.image_id(plan.NODE_IMAGE):
                return None
            raise

    def _node_image(self, docker: Docker, go: GoBuilder | None) -> str:
        """The node image's name; it and the three tools are there afterwards."""
        image = None if go is None else NodeImage(SOURCES / "node", go, docker, self.paths.work)
        kind = self._node_kind(docker, image)
        if image is None or kind is plan.Node.OFFICIAL:
            self._check_space(
                plan.Missing(0 if go is None else tools.missing(go), node_image=False)
            )
            tools.provide(self.paths.tools, go, self.environ, self.report)
            return plan.NODE_IMAGE
        assert go is not None
        absent = docker.image_id(image.name()) is None
        programs = tools.missing(go) + (image.missing_programs() if absent else 0)
        self._check_space(plan.Missing(programs, node_image=absent))
        name = image.provide(self.report)
        tools.provide(self.paths.tools, go, self.environ, self.report)
        return name

    def _node_kind(self, docker: Docker, image: NodeImage | None) -> plan.Node:
        """An image that is there decides; asking a registry comes last."""
        if image is not None and docker.image_id(image.name()):
            return plan.Node.BUILT
        official = docker.obtains(plan.NODE_IMAGE, self.report)
        return plan.node(official=official, root=self.host.root, debian=self.host.debian)

    def _check_space(self, missing: plan.Missing) -> None:
        needed = plan.needed_bytes(missing)
        plan.check_space(free_bytes(self.paths.cache), needed, str(self.paths.cache))

    def _base_image(self, docker: Docker) -> None:
        """The base image of our Dockerfile: pulled, or a stand-in that is announced as such."""
        name = rootfs.BASE_IMAGE
        ours = docker.label(name, rootfs.LABEL)
        if ours is None and docker.obtains(name, self.report):
            return
        if not (self.host.root and self.host.debian):
            raise UnsupportedError(f"{name} can't be pulled: let the engine reach Docker Hub")
        recipe = rootfs.stand_in(ca_bundle(self.environ))
        rootfs.provide(recipe, docker, self.paths.work, self.report)
        print(f"base image {name}: a stand-in made from Debian packages (it can't be pulled here)")

    def _revived(self, cluster: Cluster) -> bool:
        """Whether the cluster works, a stopped node having been started again."""
        docker = Docker(cluster.environ)
        try:
            state = docker.run("inspect", "-f", "{{.State.Running}}", cluster.node).strip()
            if state != "true":
                docker.run("start", cluster.node)
            if not reachable(cluster):
                self._wait_ready(cluster)
        except CommandError:
            return False
        return True

    def _create(self, cluster: Cluster, found: record.Record) -> None:
        docker = Docker(cluster.environ)
        self._delete(docker)
        audit = self.folder / "audit"
        audit.mkdir(parents=True, exist_ok=True)
        built = found.node_image != plan.NODE_IMAGE
        settings = kindconfig.Settings(
            node=plan.Node.BUILT if built else plan.Node.OFFICIAL,
            cgroup_v2=self.host.cgroup_v2,
            policy=SOURCES / "audit",
            audit=audit,
        )
        config = self.folder / "kind.json"
        config.write_text(kindconfig.render(settings))
        argv = ["kind", "create", "cluster", "--name", self.name, "--image", found.node_image]
        argv += ["--config", str(config), "--kubeconfig", str(cluster.kubeconfig), "--retain"]
        with self.report.step(f"create cluster {self.name}") as step:
            stream(argv, step.advance, env=cluster.environ)
        with self.report.step("wait until the cluster's own parts are ready"):
            self._wait_ready(cluster)
        record.write(self.folder, found)

    def _wait_ready(self, cluster: Cluster) -> None:
        limit = f"--timeout={_READY_SECONDS}s"
        cluster.kubectl("wait", "--for=condition=Ready", "nodes", "--all", limit, timeout=200)
        for namespace in ("kube-system", "local-path-storage"):
            cluster.kubectl(
                *("wait", "--for=condition=Available", "deployments", "--all"),
                *(f"--namespace={namespace}", limit),
                timeout=200,
            )
        cluster.kubectl(
            *("wait", "--for=create", "serviceaccount/default", "--namespace=default", limit),
            timeout=200,
        )

    def _delete(self, docker: Docker) -> None:
        """Remove the node, its volumes and the network; nothing there is fine."""
        record.erase(self.folder)
        node = f"{self.name}-control-plane"
        if docker.run("ps", "-aq", "--filter", f"name=^{node}$").strip():
            with self.report.step(f"delete cluster {self.name}"):
                docker.run("rm", "--force", "--volumes", node)
        if docker.run("network", "ls", "-q", "--filter", f"name=^{self.name}$").strip():
            docker.run("network", "rm", self.name)
        (self.folder / "kubeconfig").unlink(missing_ok=True)
        self._empty_audit()

    def _empty_audit(self) -> None:
        for place in (self.folder / "audit").glob("*.log"):
            try:
                place.unlink()
            except PermissionError as error:
                raise ClusterToolError(f"can't remove {place}: remove it as root") from error

    def _clusters(self) -> list[str]:
        parent = self.folder.parent
        return (
            [path.name for path in parent.glob("*") if record.read(path)] if parent.exists() else []
        )


def kind_version(env: Mapping[str, str]) -> str:
    """What the `kind` in use says about itself."""
    return run(["kind", "version"], env=env).strip()
