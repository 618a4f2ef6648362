"""Runs the real helm on the charts, apart from the user's own helm settings and any cluster."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from ibgateway_cluster.paths import paths

HOOK: Final = "helm.sh/hook"
Values = Mapping[str, Any]
Manifest = dict[str, Any]


class RefusedError(Exception):
    """Helm refused a chart or its values; the text is what the user reads."""


@dataclass(frozen=True)
class Release:
    """Where a chart goes: the release's name and its namespace."""

    name: str = "first"
    namespace: str = "trading"
    kinds: tuple[str, ...] = ()
    """Kinds that the cluster knows beside Kubernetes' own, as group/version/kind."""


@dataclass(frozen=True)
class Helm:
    """The helm program and a folder for its state."""

    program: Path
    home: Path

    def run(self, *arguments: str) -> str:
        """`helm ARGUMENTS`: standard output; raises `RefusedError` with standard error."""
        done = subprocess.run(
            [str(self.program), *arguments],
            env={"HOME": str(self.home), "PATH": os.defpath, "KUBECONFIG": "/dev/null"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if done.returncode:
            raise RefusedError(done.stdout + done.stderr)
        return done.stdout

    def text(self, chart: Path, values: Values, release: Release = Release()) -> str:
        """What `helm template` prints, without the hooks of `helm test`."""
        return self._template(chart, values, release, "--skip-tests")

    def _template(self, chart: Path, values: Values, release: Release, *flags: str) -> str:
        known = [f"--api-versions={kind}" for kind in release.kinds]
        return self.run("template", *self._arguments(chart, values, release), *known, *flags)

    def render(self, chart: Path, values: Values, release: Release = Release()) -> "Rendered":
        """The rendered objects."""
        return read(self.text(chart, values, release))

    def tests(self, chart: Path, values: Values, release: Release = Release()) -> "Rendered":
        """What `helm test` makes, in the order in which it does."""
        everything = read(self._template(chart, values, release)).objects
        hooks = [one for one in everything if HOOK in one["metadata"].get("annotations", {})]
        return Rendered(tuple(sorted(hooks, key=_weight)))

    def notes(self, chart: Path, values: Values, release: Release = Release()) -> str:
        """The NOTES that an installation prints."""
        printed = self.run("install", "--dry-run=client", *self._arguments(chart, values, release))
        return printed.split("\nNOTES:\n", 1)[1]

    def _arguments(self, chart: Path, values: Values, release: Release) -> list[str]:
        place = self.home / "values.json"
        place.write_text(json.dumps(values))
        named = [release.name, str(chart), f"--namespace={release.namespace}"]
        return [*named, f"--values={place}"]


@dataclass(frozen=True)
class Rendered:
    """Objects in the order helm printed them."""

    objects: tuple[Manifest, ...]

    def kinds(self) -> list[str]:
        """Every object as Kind/name, sorted."""
        return sorted(f"{one['kind']}/{one['metadata']['name']}" for one in self.objects)

    def all(self, kind: str) -> list[Manifest]:
        """The objects of a kind."""
        return [one for one in self.objects if one["kind"] == kind]

    def one(self, kind: str) -> Manifest:
        """The only object of a kind; ValueError otherwise."""
        (found,) = self.all(kind)
        return found

    def without(self, component: str) -> "Rendered":
        """The objects that do not belong to a component, by its label."""
        label = "app.kubernetes.io/component"
        others = [
            o for o in self.objects if o["metadata"].get("labels", {}).get(label) != component
        ]
        return Rendered(tuple(others))

    def named(self, kind: str, name: str) -> Manifest:
        """The object of a kind and a name; ValueError otherwise."""
        (found,) = [one for one in self.all(kind) if one["metadata"]["name"] == name]
        return found


def read(text: str) -> Rendered:
    """The objects that a text of YAML documents holds."""
    return Rendered(tuple(one for one in yaml.safe_load_all(text) if one))


def _weight(hook: Manifest) -> int:
    return int(hook["metadata"]["annotations"].get("helm.sh/hook-weight", "0"))


def cluster_program(name: str) -> str:
    """helm or kubectl: the cluster tool's, or one on PATH. Raises RefusedError with what to do."""
    places = paths(os.environ, home=Path.home(), root=os.geteuid() == 0)
    found = shutil.which(name, path=f"{places.tools}{os.pathsep}{os.environ.get('PATH', '')}")
    if found is None:
        raise RefusedError(f"{name} is missing: run `make cluster`, which provides it")
    return found


def helm_program() -> Path:
    """Helm 4: the cluster tool's, or one on PATH. Raises RefusedError with what to do."""
    found = cluster_program("helm")
    version = subprocess.run(
        [found, "version", "--short"], capture_output=True, text=True, timeout=60, check=True
    )
    if not version.stdout.startswith("v4."):
        raise RefusedError(f"{found} is {version.stdout.strip()}: run `make cluster` for Helm 4")
    return Path(found)
