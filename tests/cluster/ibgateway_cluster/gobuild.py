"""Builds the Go programs once and keeps them by cache key.

Invariants: a program appears in the cache only when it is complete (rename); the directory name is the
key of all its inputs; the host's GOFLAGS and go.work never take part.
"""

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ibgateway_cluster.command import run, stream
from ibgateway_cluster.errors import UnsupportedError
from ibgateway_cluster.families import Family, key, required_go
from ibgateway_cluster.report import Reporter

# Go 1.21 was the first that fetches the toolchain that a go.mod asks for.
FETCHES_TOOLCHAINS = (1, 21)
_GO_PLACES = ("/usr/local/go/bin/go", "/usr/lib/go/bin/go")
_PARALLEL = 2


@dataclass(frozen=True)
class GoBuilder:
    """Builds families from `modules` into `cache`. Go itself is looked for when it is needed first."""

    modules: Path
    cache: Path
    arch: str
    environ: Mapping[str, str]

    def directory(self, family: Family) -> Path:
        """Where the family's finished programs are."""
        return self.cache / f"{family.name}-{key(family, self.modules / family.name, self.arch)}"

    def missing(self, family: Family) -> list[str]:
        """The family's programs that are not in the cache yet."""
        directory = self.directory(family)
        return [name for name in family.programs if not (directory / name).exists()]

    def build(self, family: Family, report: Reporter) -> Path:
        """Build what is missing; gives the directory with the programs."""
        directory = self.directory(family)
        for program in self.missing(family):
            self.build_one(family, program, report)
        return directory

    def build_one(self, family: Family, program: str, report: Reporter) -> Path:
        """Build one program of a family; gives its path."""
        module = self.modules / family.name
        package = family.programs[program]
        target = self.directory(family) / program
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{program}.{os.getpid()}.part")
        go, env = self._toolchain(module)
        argv = [go, "build", "-v", "-trimpath", "-buildvcs=false", f"-p={_PARALLEL}"]
        argv += ["-mod=readonly", "-ldflags", family.ldflags(), "-o", str(part), package]
        # Listing fetches the modules too; its length is how many packages may be compiled at most.
        with report.step(f"fetch sources of {program}"):
            packages = run([go, "list", "-deps", package], env=env, cwd=module).split()
        try:
            with report.step(f"build {program}", total=len(packages)) as step:
                stream(argv, step.advance, env=env, cwd=module)
            part.rename(target)
        finally:
            part.unlink(missing_ok=True)
        return target

    def require_go(self) -> None:
        """Raise `UnsupportedError` now rather than in the middle of the work if Go will not do."""
        for module in sorted(self.modules.iterdir()):
            self._toolchain(module)

    def _toolchain(self, module: Path) -> tuple[str, dict[str, str]]:
        """The `go` command and the environment to call it in; `UnsupportedError` says what to install."""
        wanted = required_go((module / "go.mod").read_text())
        go = find_go(self.environ)
        if go is None:
            raise UnsupportedError(
                f"Go is missing: install Go {wanted[0]}.{wanted[1]} or newer (https://go.dev/dl)"
            )
        # Asked in a folder without go.mod: an older Go would fetch a toolchain just to answer.
        local = {**self.environ, "GOTOOLCHAIN": "local"}
        policy = toolchain_policy(
            go_version(run([go, "version"], env=local, cwd=Path("/"))), wanted
        )
        env = {**self.environ, "CGO_ENABLED": "0", "GOFLAGS": "", "GOWORK": "off"}
        env |= {"GOARCH": self.arch, "GOOS": "linux"}
        return go, env if policy is None else {**env, "GOTOOLCHAIN": policy}


def find_go(environ: Mapping[str, str]) -> str | None:
    """The path of a `go` command, if the machine has one."""
    found = shutil.which("go", path=environ.get("PATH"))
    return found or next((place for place in _GO_PLACES if os.access(place, os.X_OK)), None)


def go_version(text: str) -> tuple[int, int]:
    """(major, minor) out of `go version`'s line; raises `UnsupportedError` if it has none."""
    found = re.search(r"\bgo(\d+)\.(\d+)", text)
    if found is None:
        raise UnsupportedError(f"can't read a Go version in {text!r}")
    return int(found[1]), int(found[2])


def toolchain_policy(version: tuple[int, int], wanted: tuple[int, int]) -> str | None:
    """What GOTOOLCHAIN must be so that `version` can build `wanted`; None: leave it as it is.

    Raises `UnsupportedError` where that Go is too old to fetch a newer one.
    """
    if version >= wanted:
        return None
    if version >= FETCHES_TOOLCHAINS:
        return "auto"
    raise UnsupportedError(
        f"Go {version[0]}.{version[1]} is too old: install Go {wanted[0]}.{wanted[1]} or newer"
    )
