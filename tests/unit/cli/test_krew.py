"""krew's manifest and launcher: what its index asks of them, and one version with the rest."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ibgateway_cli.errors import ExitCode
from ibgateway_runtime.metrics import RELEASE

KREW = Path(__file__).parents[3] / "cli" / "krew"


def manifest(tmp_path: Path, *platforms: str) -> dict[str, object]:
    """The manifest that build.sh writes, of archives that are there: only that part of it is run."""
    for platform in platforms:
        (tmp_path / f"ibgateway-{platform}.tar.gz").write_bytes(platform.encode())
    script = (KREW / "build.sh").read_text()
    head, _, _ = script.partition('mkdir -p "$out"\n')
    run = subprocess.run(
        [
            "bash",
            "-c",
            f"{head}\nmanifest",
            str(KREW / "build.sh"),
            str(tmp_path),
            "https://x.example.com/a",
            *platforms,
        ],
        env={**os.environ, "PYTHON": sys.executable},
        capture_output=True,
        text=True,
        check=True,
    )
    document: dict[str, object] = yaml.safe_load(run.stdout)
    return document


def test_the_manifest_is_one_that_krew_takes(tmp_path: Path) -> None:
    document = manifest(tmp_path, "linux-amd64", "darwin-arm64")
    assert document["apiVersion"] == "krew.googlecontainertools.github.com/v1alpha2"
    assert document["kind"] == "Plugin"
    assert document["metadata"] == {"name": "ibgateway"}
    spec = document["spec"]
    assert isinstance(spec, dict)
    assert spec["version"] == f"v{RELEASE}"
    assert len(spec["shortDescription"]) <= 50
    assert not spec["shortDescription"].endswith(".")
    assert [p["selector"]["matchLabels"] for p in spec["platforms"]] == [
        {"os": "linux", "arch": "amd64"},
        {"os": "darwin", "arch": "arm64"},
    ]
    for platform in spec["platforms"]:
        assert platform["uri"].startswith("https://x.example.com/a/ibgateway-")
        assert re.fullmatch(r"[0-9a-f]{64}", platform["sha256"])
        assert platform["bin"] == "kubectl-ibgateway"
    assert len({platform["sha256"] for platform in spec["platforms"]}) == 2


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The launcher as krew links it, with a Python that says what it was called with."""
    store, programs = tmp_path / "store", tmp_path / "bin"
    (store / "lib" / "3.12").mkdir(parents=True)
    programs.mkdir()
    (store / "kubectl-ibgateway").write_bytes((KREW / "kubectl-ibgateway").read_bytes())
    (store / "kubectl-ibgateway").chmod(0o755)
    (programs / "kubectl-ibgateway").symlink_to(store / "kubectl-ibgateway")
    return programs


def call(programs: Path, *words: str, at: Path | None = None) -> subprocess.CompletedProcess[str]:
    env = {"PATH": f"{programs}:/usr/bin:/bin"}
    return subprocess.run(
        [programs / "kubectl-ibgateway", *words],
        env=env,
        cwd=at,
        capture_output=True,
        text=True,
        check=False,
    )


def python(programs: Path, name: str, version: str) -> None:
    text = f'#!/bin/sh\nif [ "$1" = -c ]; then echo {version}; else echo "$PYTHONPATH $*"; fi\n'
    (programs / name).write_text(text)
    (programs / name).chmod(0o755)


def test_the_launcher_takes_a_python_that_its_libraries_are_for(installed: Path) -> None:
    for name, version in (("python3", "3.10"), ("python3.13", "3.13"), ("python3.12", "3.12")):
        python(installed, name, version)
    done = call(installed, "status", "a b")
    store = installed.parent / "store"
    assert done.stdout == f"{store}/lib/3.12 -P -m ibgateway_cli status a b\n"


def test_a_file_of_the_folder_that_a_person_is_in_is_not_imported(
    installed: Path, tmp_path: Path
) -> None:
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    library = installed.parent / "store" / "lib" / here
    library.mkdir(exist_ok=True)
    (library / "ibgateway_cli.py").write_text("import typer\n")
    (library / "typer.py").write_text("print('ours')\n")
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "typer.py").write_text("print('theirs')\n")
    (installed / "python3").symlink_to(sys.executable)
    done = call(installed, "status", at=folder)
    assert (done.stdout, done.stderr) == ("ours\n", "")


def test_without_one_it_says_so(installed: Path) -> None:
    for name in ("python3", "python3.11", "python3.12", "python3.13"):
        python(installed, name, "3.9")
    done = call(installed, "status")
    assert done.returncode == ExitCode.UNREACHABLE
    assert done.stderr.startswith("error: no Python 3.11, 3.12 or 3.13 is on PATH\nnext: ")
