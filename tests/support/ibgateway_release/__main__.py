"""`python -m ibgateway_release`: a release of this checkout's commit."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Final

import click

from ibgateway_charts.packaging import commit_time
from ibgateway_cluster import Cluster, ClusterToolError
from ibgateway_cluster.docker import Docker
from ibgateway_cluster.report import Reporter
from ibgateway_release import parts
from ibgateway_release.images import LOCKS, ImageBuild, archived
from ibgateway_release.materials import BillError

ROOT: Final = Path(__file__).resolve().parents[3]


def told() -> str:
    """The version; it is said in pyproject.toml, and `make crds` writes it wherever else it stands."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        return str(tomllib.load(file)["project"]["version"])


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--version", "only_version", is_flag=True, help="Print the version and do nothing.")
@click.option(
    "--folder", type=click.Path(path_type=Path), default=ROOT / "dist", show_default="dist/"
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
        click.echo(told())
        return
    epoch, version, say = commit_time(dict(os.environ)), told(), Reporter()
    folder.mkdir(parents=True, exist_ok=True)
    if left := sorted(path.name for path in folder.iterdir()):
        raise click.UsageError(
            f"{folder} has files already: {', '.join(left[:3])} ...; empty it, or name another one"
        )
    with say.step("wheel, sources and charts"):
        parts.distribution(ROOT, version, folder, epoch)
        parts.charts(folder, epoch)
    if images:
        docker = Docker(Cluster.attach().environ)
        ids = {
            f"ibgateway-{target}:{version}{one.suffix}": archived(one, target, docker, folder, say)
            for one in (ImageBuild(ROOT, version, epoch, name) for name in platforms or ("",))
            for target in LOCKS
        }
        (folder / f"images-{version}.json").write_text(json.dumps(ids, indent=1) + "\n")
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
