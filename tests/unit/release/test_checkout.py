"""A release is of a commit: a checkout with changes is refused, and what is published has its digest."""

import os
import subprocess
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from ibgateway_release import __main__ as release
from ibgateway_release import parts
from ibgateway_release.checkout import changes

ROOT = Path(__file__).parents[3]
WORKFLOW = ROOT / ".github/workflows/release.yaml"


def git(root: Path, *words: str) -> None:
    told = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *told, *words], cwd=root, check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """One commit, and nothing else."""
    root = tmp_path / "checkout"
    root.mkdir()
    git(root, "init", "--quiet")
    (root / "a.py").write_text("a = 1\n")
    (root / ".gitignore").write_text("/dist/\n")
    git(root, "add", ".")
    git(root, "commit", "--quiet", "--message=a")
    return root


def test_a_commit_as_it_is_has_no_changes(checkout: Path) -> None:
    (checkout / "dist").mkdir()
    (checkout / "dist/left.whl").write_text("")
    assert changes(checkout) == []


def test_files_that_the_commit_has_not_are_changes(checkout: Path) -> None:
    git(checkout, "config", "status.showUntrackedFiles", "no")
    (checkout / "a.py").write_text("a = 2\n")
    (checkout / "my notes").mkdir()
    (checkout / "my notes/b.py").write_text("")
    assert changes(checkout) == ["a.py", "my notes/b.py"]


def test_a_file_that_goes_or_has_a_new_name_is_a_change(checkout: Path) -> None:
    git(checkout, "mv", "a.py", "b.py")
    assert changes(checkout) == ["a.py", "b.py"]
    git(checkout, "reset", "--hard", "--quiet")
    (checkout / "a.py").unlink()
    assert changes(checkout) == ["a.py"]


def test_another_checkouts_variables_do_not_count(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (checkout / "a.py").write_text("a = 2\n")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    assert changes(checkout) == ["a.py"]


def test_sources_from_an_archive_have_no_commit_to_differ_from(tmp_path: Path) -> None:
    assert changes(tmp_path) == []


def test_a_checkout_with_changes_is_refused_in_one_sentence(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(release, "REPOSITORY", checkout)
    (checkout / "a.py").write_text("a = 2\n")
    folder = tmp_path / "dist"
    said = CliRunner().invoke(release.build, ["--no-images", "--folder", str(folder)])
    assert (said.exit_code, folder.exists()) == (1, False)
    assert said.output == (
        "Error: a release is of a commit, and this checkout differs from its own: commit or take away a.py\n"
    )


def test_what_the_workflow_publishes_is_what_its_digests_name(tmp_path: Path) -> None:
    dist, programs = tmp_path / "dist", tmp_path / "bin"
    for folder in (dist, programs):
        folder.mkdir()
    for name in (
        "ibgateway-1.0.tar.gz",
        "ibgateway-1.0.tgz",
        "ibgateway-operator-1.0.tar",
        "ibgateway-operator-1.0.cdx.json",
        "images-1.0.json",
    ):
        (dist / name).write_text(name)
    parts.digests(dist)
    (programs / "gh").write_text('#!/bin/sh\necho "$@" > said\n')
    (programs / "gh").chmod(0o755)
    steps = yaml.safe_load(WORKFLOW.read_text())["jobs"]["release"]["steps"]
    [script] = [step["run"] for step in steps if "gh release create" in step.get("run", "")]
    path = f"{programs}:{os.environ['PATH']}"
    named = {"PATH": path, "GITHUB_REF_NAME": "v1.0", "VERSION": "1.0"}
    subprocess.run(["bash", "-e", "-c", script], cwd=tmp_path, env=named, check=True)
    subprocess.run(["sha256sum", "--check", "--strict", parts.DIGESTS], cwd=dist, check=True)
    left = {path.name for path in dist.iterdir()} - {parts.DIGESTS}
    assert {line.split()[1] for line in (dist / parts.DIGESTS).read_text().splitlines()} == left
    assert left == {"ibgateway-1.0.tar.gz", "ibgateway-1.0.tgz", "ibgateway-operator-1.0.cdx.json"}
    assert all(name in (tmp_path / "said").read_text() for name in left)
