"""krew itself installs the plugin from the manifest and an archive that build.sh writes, and takes it away again."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from ibgateway_charts.generated import REPOSITORY
from ibgateway_charts.tools import program
from ibgateway_runtime.metrics import RELEASE

PYTHON: Final = f"{sys.version_info.major}.{sys.version_info.minor}"
KUBECTL: Final = """#!/bin/sh
if [ "$*" = "config view --minify --output=json" ]; then echo "error: current-context must exist in order to minify" >&2; exit 1; fi
echo 'Error from server (Forbidden): ibgateways.ibgateway.dev is forbidden' >&2
exit 1
"""


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The manifest and the archive of this machine's platform, with the libraries of this Python alone."""
    folder = tmp_path_factory.mktemp("archives")
    build = REPOSITORY / "cli" / "krew" / "build.sh"
    words = [str(build), str(folder), "https://plugin.example.com/a", platform()]
    env = {**os.environ, "PYTHON": sys.executable, "PYTHON_VERSIONS": PYTHON}
    subprocess.run(["bash", *words], env=env, check=True, timeout=280, capture_output=True)
    return folder


def platform() -> str:
    return {"x86_64": "linux-amd64", "aarch64": "linux-arm64"}[os.uname().machine]


class KrewHome:
    """krew with a root of its own, a Python without our libraries, and no way to an index but the empty one beside it."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "krew"
        self.programs = folder / "bin"
        self.programs.mkdir()
        (self.programs / "kubectl").write_text(KUBECTL)
        (self.programs / "kubectl").chmod(0o755)
        bare = Path(sys.base_prefix) / "bin" / f"python{PYTHON}"
        (self.programs / "python3").symlink_to(bare)
        self.index = folder / "index"
        path = f"{self.root / 'bin'}:{self.programs}:{os.environ['PATH']}"
        own = {"KREW_ROOT": str(self.root), "KREW_DEFAULT_INDEX_URI": str(self.index)}
        self.env = {**os.environ, **own, "PATH": path, "KREW_NO_UPGRADE_CHECK": "1"}

    def krew(self, *words: str) -> str:
        return self.run(str(program("krew")), *words, code=0)

    def run(self, *words: str, code: int) -> str:
        """What it prints, both outputs in one."""
        done = subprocess.run(
            words,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == code, done.stdout
        return done.stdout

    def make_index(self) -> None:
        """A repository without a plugin, as krew clones one before it takes anything away."""
        (self.index / "plugins").mkdir(parents=True)
        (self.index / "plugins" / ".keep").touch()
        who = ("-c", "user.name=nobody", "-c", "user.email=nobody@example.com")
        for words in (("init", "-q"), ("add", "."), (*who, "commit", "-q", "-m", "An index")):
            self.run("git", "-C", str(self.index), *words, code=0)


@pytest.fixture
def home(tmp_path: Path) -> KrewHome:
    return KrewHome(tmp_path)


def install(home: KrewHome, archives: Path) -> str:
    manifest, archive = archives / "ibgateway.yaml", archives / f"ibgateway-{platform()}.tar.gz"
    return home.krew("install", f"--manifest={manifest}", f"--archive={archive}")


def test_krew_installs_the_plugin_which_then_runs(home: KrewHome, archives: Path) -> None:
    assert "Installed plugin: ibgateway" in install(home, archives)
    plugin = home.root / "bin" / "kubectl-ibgateway"
    assert f"v{RELEASE}" in str(plugin.resolve())
    assert "rebalance" in home.run(str(plugin), "--help", code=0)
    said = home.run(str(plugin), "status", code=7)
    assert "error: Error from server (Forbidden)" in said


def test_krew_takes_it_away_again(home: KrewHome, archives: Path) -> None:
    install(home, archives)
    home.make_index()
    home.krew("update")
    home.krew("uninstall", "ibgateway")
    assert not (home.root / "bin" / "kubectl-ibgateway").exists()
    assert list((home.root / "store").iterdir()) == []


def test_an_archive_that_is_another_one_than_the_manifests_is_refused(
    home: KrewHome, archives: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.tar.gz"
    other.write_bytes((archives / f"ibgateway-{platform()}.tar.gz").read_bytes() + b"x")
    manifest = archives / "ibgateway.yaml"
    said = home.run(
        str(program("krew")), "install", f"--manifest={manifest}", f"--archive={other}", code=1
    )
    assert "checksum does not match" in said
    assert not (home.root / "bin" / "kubectl-ibgateway").exists()
