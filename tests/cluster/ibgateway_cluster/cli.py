"""The command line. Prints results on stdout, progress and errors on stderr; one line for an error."""

import errno
import os
import shlex
import sys
from pathlib import Path

import click

from ibgateway_cluster import host, images, lock, record
from ibgateway_cluster.cluster import Cluster, outside, reachable
from ibgateway_cluster.errors import ClusterToolError, DiskFullError
from ibgateway_cluster.lifecycle import ClusterLifecycle
from ibgateway_cluster.paths import Paths, paths
from ibgateway_cluster.report import Reporter

_REPOSITORY = Path(__file__).resolve().parents[3]


def _places() -> Paths:
    return paths(os.environ, home=Path.home(), root=os.geteuid() == 0)


def _lifecycle(name: str, *, workers: int = 0) -> ClusterLifecycle:
    places, machine = _places(), host.probe()
    environ = outside(os.environ, places)
    return ClusterLifecycle(name, places, machine, environ, Reporter(), workers)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--name", default=record.CLUSTER, show_default=True, help="ibgateway or ibgateway-..."
)
@click.pass_context
def cli(context: click.Context, name: str) -> None:
    """A real Kubernetes cluster with kind, with or without a Docker engine on this machine."""
    context.obj = record.checked_name(name)


@cli.command()
@click.option("--wait/--no-wait", default=True, help="Wait for another run, or stop at once.")
@click.option("--workers", type=click.IntRange(0, 3), default=0, help="Nodes beside the first one.")
@click.pass_obj
def up(name: str, *, wait: bool, workers: int) -> None:
    """Bring the cluster up (or find that it is)."""
    lifecycle = _lifecycle(name, workers=workers)
    with lock.held(lifecycle.paths.lock, wait=wait, say=lifecycle.report.say):
        cluster = lifecycle.up()
    if lifecycle.report.seconds:
        lifecycle.report.console.print(lifecycle.report.table())
    click.echo(f"cluster {cluster.name} is ready: export KUBECONFIG={cluster.kubeconfig}")


@cli.command()
@click.option("--wait/--no-wait", default=True, help="Wait for another run, or stop at once.")
@click.pass_obj
def down(name: str, *, wait: bool) -> None:
    """Take the cluster and an engine of our own away; caches stay."""
    lifecycle = _lifecycle(name)
    with lock.held(lifecycle.paths.lock, wait=wait, say=lifecycle.report.say):
        left = lifecycle.down()
    for line in left:
        click.echo(f"still there: {line}", err=True)
    click.echo(f"cluster {name} is down")
    sys.exit(1 if left else 0)


@cli.command()
@click.pass_obj
def status(name: str) -> None:
    """Say whether the cluster is up; exit code 1 if it is not."""
    cluster = Cluster.attach(name)
    ready = reachable(cluster)
    found = record.require(_places().cluster(name))
    click.echo(f"cluster     {name}: {'ready' if ready else 'not ready'}")
    click.echo(f"engine      {found.engine} {found.docker_host}".rstrip())
    click.echo(f"node image  {found.node_image}")
    click.echo(f"kubeconfig  {cluster.kubeconfig}")
    sys.exit(0 if ready else 1)


@cli.command()
@click.pass_obj
def kubeconfig(name: str) -> None:
    """Print the path of the cluster's kubeconfig."""
    click.echo(Cluster.attach(name).kubeconfig)


@cli.command()
@click.pass_obj
def env(name: str) -> None:
    """Print shell exports that point kubectl, helm, kind and docker at the cluster."""
    cluster = Cluster.attach(name)
    for variable in ("KUBECONFIG", "DOCKER_HOST", "KIND_EXPERIMENTAL_DOCKER_NETWORK", "PATH"):
        if variable in cluster.environ:
            click.echo(f"export {variable}={shlex.quote(cluster.environ[variable])}")


@cli.group()
def image() -> None:
    """Build images with the cluster's engine and load them into the node."""


@image.command()
@click.option("--target", required=True, help="A target of the Dockerfile.")
@click.option("--tag", required=True, help="The image's name.")
@click.option("--context", "folder", type=click.Path(path_type=Path), default=_REPOSITORY)
@click.pass_obj
def build(name: str, target: str, tag: str, folder: Path) -> None:
    """Build TARGET of the Dockerfile as TAG."""
    click.echo(
        images.build(Cluster.attach(name), folder, target=target, tag=tag, report=Reporter())
    )


@image.command()
@click.argument("images_", metavar="IMAGE...", nargs=-1, required=True)
@click.pass_obj
def load(name: str, images_: tuple[str, ...]) -> None:
    """Load images into the node, those that it has already left out."""
    cluster, report = Cluster.attach(name), Reporter()
    for one in images_:
        loaded = images.load(cluster, one, report=report)
        click.echo(f"{one}: {'loaded' if loaded else 'already there'}")


def main() -> None:
    """Run the command line; expected errors become one line and exit code 1."""
    try:
        cli(standalone_mode=True)
    except ClusterToolError as error:
        click.echo(f"error: {error}", err=True)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        click.echo(
            f"error: {DiskFullError('no space left on the disk: free some and try again')}",
            err=True,
        )
    sys.exit(1)
