"""What a cluster needs before kind can make it: the node image, the tools, our Dockerfile's base image."""

from dataclasses import dataclass

from ibgateway_cluster import packages, plan, rootfs, tools
from ibgateway_cluster.docker import Docker
from ibgateway_cluster.errors import UnsupportedError
from ibgateway_cluster.gobuild import FETCHES_TOOLCHAINS, GoBuilder, find_go
from ibgateway_cluster.host import Host, ca_bundle, free_bytes
from ibgateway_cluster.nodeimage import NodeImage
from ibgateway_cluster.paths import SOURCES, Paths
from ibgateway_cluster.report import Reporter


@dataclass(frozen=True)
class Provision:
    """Brings everything together on one engine."""

    paths: Paths
    host: Host
    docker: Docker
    report: Reporter

    def current(self, node_image: str) -> bool:
        """Whether a cluster on this node image is what `node_image` would give today."""
        return node_image in (self._official(), self._image(self._go()).name())

    def tools(self) -> None:
        """kind, helm and kubectl are there afterwards."""
        go = self._go()
        if tools.missing(go, self.docker.environ):
            self._provide_go(go)
        tools.provide(self.paths.tools, go, self.docker.environ, self.report)

    def node_image(self) -> str:
        """The node image's name; the image is there afterwards."""
        go = self._go()
        image = self._image(go)
        present = self.docker.image_id(image.name()) is not None
        built = present or self._node_kind() is plan.Node.BUILT
        programs = tools.missing(go, self.docker.environ)
        if built and not present:
            programs += image.missing_programs()
        self.check_space(plan.Missing(programs, node_image=built and not present))
        if programs:
            self._provide_go(go)
        return image.provide(self.report) if built else self._official()

    def _official(self) -> str:
        return plan.official_node(self.docker.environ)

    def _go(self) -> GoBuilder:
        modules = SOURCES / "modules"
        return GoBuilder(modules, self.paths.programs, self.host.arch, self.docker.environ)

    def _image(self, go: GoBuilder) -> NodeImage:
        return NodeImage(SOURCES / "node", go, self.docker, self.paths.work)

    def _provide_go(self, go: GoBuilder) -> None:
        """Debian's Go serves where it is new enough to fetch the toolchain that the modules ask for."""
        if find_go(go.environ) is None and self.host.root and self.host.debian:
            packages.install_go(FETCHES_TOOLCHAINS, self.report)
        go.require_go()

    def base_image(self) -> str | None:
        """The base image of our Dockerfile, pulled or made; what to tell the user about it, if any."""
        name = rootfs.BASE_IMAGE
        if not self.docker.label(name, rootfs.LABEL) and self.docker.obtains(name, self.report):
            return None
        if not (self.host.root and self.host.debian):
            raise UnsupportedError(f"{name} can't be pulled: let the engine reach Docker Hub")
        recipe = rootfs.stand_in(ca_bundle(self.docker.environ))
        rootfs.provide(recipe, self.docker, self.paths.work, self.report)
        return f"base image {name}: a stand-in made from Debian packages (it can't be pulled here)"

    def check_space(self, missing: plan.Missing) -> None:
        """Raise `DiskFullError` before the work starts rather than in its middle."""
        needed = plan.needed_bytes(missing)
        plan.check_space(free_bytes(self.paths.cache), needed, str(self.paths.cache))

    def _node_kind(self) -> plan.Node:
        """Asks a registry: only where no image of ours is there."""
        official = self.docker.obtains(self._official(), self.report)
        return plan.node(official=official, root=self.host.root, debian=self.host.debian)
