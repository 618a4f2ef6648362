"""`python -m ibgateway_stage`: images, examples, demo, shell."""

import sys

import click
import httpx

from ibgateway.client import ClientError
from ibgateway_cluster import Cluster, ClusterToolError
from ibgateway_cluster.report import Reporter
from ibgateway_stage import demo, examples, images, shell
from ibgateway_stage.waiting import NeverHappenedError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """What demo, tests and benchmarks need on the cluster."""


@cli.command("images")
def provide_images() -> None:
    """Build the four images of this checkout and load them into the cluster."""
    images.provide(Cluster.attach(), Reporter())


@cli.command("examples")
def provide_examples() -> None:
    """Build the image of examples/, load it into the cluster and say what to write into a manifest."""
    examples.provide(Cluster.attach(), Reporter())
    click.echo(f"image: {{repository: {examples.REPOSITORY}, tag: {examples.tag()}}}")
    click.echo(f"image: {examples.REPOSITORY}:{examples.tag()}  # in a manifest of a pod")


@cli.command("demo")
def run_demo() -> None:
    """A Ready paper gateway on the simulator, and an order that fills."""
    demo.run(Cluster.attach())


@cli.command("shell")
def open_shell() -> None:
    """A shell with the cluster's kubectl and helm, the plugin, and the demo's namespace."""
    sys.exit(shell.run(Cluster.attach()))


if __name__ == "__main__":
    try:
        cli()
    except (ClusterToolError, NeverHappenedError, httpx.HTTPError, ClientError) as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)
