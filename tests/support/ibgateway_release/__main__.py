"""`python -m ibgateway_release`: a release of this checkout's commit."""

import json
import os
import subprocess
import sys
from pathlib import Path

import click

from ibgateway_charts.generated import REPOSITORY, version
from ibgateway_charts.packaging import commit_time, packages
from ibgateway_cluster import Cluster, ClusterToolError
from ibgateway_cluster.docker import Docker
from ibgateway_cluster.report import Reporter
from ibgateway_release import parts
from ibgateway_release.checkout import changes
from ibgateway_release.images import ImageBuild, archived
from ibgateway_release.materials import BillError
from ibgateway_stage.images import SOURCES, repository


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--version", "only_version", is_flag=True, help="Print the version and do nothing.")
@click.option(
    "--folder", type=click.Path(path_type=Path), default=REPOSITORY / "dist", show_default="dist/"
)
@click.option(
    "--platform",
    "platforms",
    multiple=True,
    help="As Docker says it, such as linux/arm64; needs an engine that builds for it.",
)
@click.option("--images/--no-images", default=True)
def build(folder: Path, platforms: tuple[str, ...], images: bool, only_version: bool) -> None:
    """Wheel, sources, charts, images, bills of material and digests of this checkout's commit."""
    if only_version:
        click.echo(version())
        return
    if found := changes(REPOSITORY):
        raise click.ClickException(
            "a release is of a commit, and this checkout differs from its own: commit or take away "
            + ", ".join(found[:3] + ["..."] * (len(found) > 3))
        )
    epoch, release, say = commit_time(dict(os.environ)), version(), Reporter()
    folder.mkdir(parents=True, exist_ok=True)
    if left := sorted(path.name for path in folder.iterdir()):
        raise click.UsageError(
            f"{folder} has files already: {', '.join(left[:3])} ...; empty it, or name another one"
        )
    with say.step("wheel, sources and charts"):
        parts.distribution(REPOSITORY, release, folder, epoch)
        packages(folder, epoch)
    if images:
        docker = Docker(Cluster.attach().environ)
        ids = {
            f"{repository(target)}:{release}{one.suffix}": archived(
                one, target, docker, folder, say
            )
            for one in (ImageBuild(REPOSITORY, release, epoch, name) for name in platforms or ("",))
            for target in SOURCES
        }
        (folder / f"images-{release}.json").write_text(json.dumps(ids, indent=1) + "\n")
    click.echo(parts.digests(folder))


if __name__ == "__main__":
    try:
        build()
    except (
        ClusterToolError,
        BillError,
        subprocess.SubprocessError,
        OSError,
    ) as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)
