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


def provide(
    folder: Path, builder: GoBuilder | None, environ: Mapping[str, str], report: Reporter
) -> None:
    """Make links to the three programs in `folder`.

    Without a `builder` (no Go) only programs on PATH serve; `UnsupportedError` names the missing one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for program, family_name, arguments, wanted in _TOOLS:
        found = _built(program, family(family_name), builder)
        found = found or on_path(program, arguments, wanted, environ)
        if found is None and builder is not None:
            found = builder.build_one(family(family_name), program, report)
        if found is None:
            raise UnsupportedError(f"{program} is missing: install it, or Go 1.26 to have it built")
        _link(folder / program, found)


def missing(builder: GoBuilder) -> int:
    """How many of the programs are not in the cache."""
    return sum(_built(name, family(one), builder) is None for name, one, _, _ in _TOOLS)


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


def _built(program: str, one: Family, builder: GoBuilder | None) -> Path | None:
    if builder is None or program in builder.missing(one):
        return None
    return builder.directory(one) / program


def _link(place: Path, target: Path) -> None:
    if place.is_symlink() and place.readlink() == target:
        return
    part = place.with_suffix(".part")
    part.unlink(missing_ok=True)
    part.symlink_to(target)
    part.rename(place)
