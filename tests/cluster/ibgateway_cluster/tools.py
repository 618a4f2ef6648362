"""kind, helm and kubectl for the host: built from pinned modules, or those on PATH that will do."""

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from ibgateway_cluster.command import run
from ibgateway_cluster.errors import CommandError, UnsupportedError
from ibgateway_cluster.families import Family, family
from ibgateway_cluster.gobuild import GoBuilder
from ibgateway_cluster.report import Reporter

# Program, the family it is built from, how it tells its version, and the version that will do.
_TOOLS = (
    ("kind", "kind", ("version",), r"\bv0\.33\."),
    ("helm", "helm", ("version", "--short"), r"\bv4\."),
    ("kubectl", "kubernetes", ("version", "--client"), r"\bv1\.3[5-8]\."),
)


def provide(folder: Path, builder: GoBuilder, environ: Mapping[str, str], report: Reporter) -> None:
    """Make links to the three programs in `folder`: built before, found on PATH, or built now."""
    folder.mkdir(parents=True, exist_ok=True)
    for program, family_name, arguments, wanted in _TOOLS:
        found = _built(program, family(family_name), builder)
        found = found or on_path(program, arguments, wanted, environ)
        found = found or _build(program, family(family_name), builder, report)
        _link(folder / program, found)


def missing(builder: GoBuilder, environ: Mapping[str, str]) -> int:
    """How many of the programs would have to be built."""
    return sum(
        _built(program, family(name), builder) is None
        and on_path(program, arguments, wanted, environ) is None
        for program, name, arguments, wanted in _TOOLS
    )


def on_path(
    program: str, arguments: tuple[str, ...], wanted: str, environ: Mapping[str, str]
) -> Path | None:
    """The program on PATH if its version matches the pattern `wanted`."""
    found = shutil.which(program, path=environ.get("PATH"))
    if found is None:
        return None
    try:
        version = run([found, *arguments], env=environ, timeout=20)
    except CommandError:
        return None
    return Path(found) if re.search(wanted, version) else None


def _build(program: str, one: Family, builder: GoBuilder, report: Reporter) -> Path:
    try:
        return builder.build_one(one, program, report)
    except UnsupportedError as error:
        raise UnsupportedError(f"{program} is missing. Install it, or: {error}") from error


def _built(program: str, one: Family, builder: GoBuilder) -> Path | None:
    if program in builder.missing(one):
        return None
    return builder.directory(one) / program


def _link(place: Path, target: Path) -> None:
    if place.is_symlink() and place.readlink() == target:
        return
    part = place.with_suffix(".part")
    part.unlink(missing_ok=True)
    part.symlink_to(target)
    part.rename(place)
