import shutil
from pathlib import Path

import pytest

from ibgateway_cluster import families, gobuild, nodeimage, packages, rootfs
from ibgateway_cluster.command import run
from ibgateway_cluster.errors import CommandError, DiskFullError, UnsupportedError
from ibgateway_cluster.gobuild import GoBuilder
from ibgateway_cluster.paths import SOURCES


def module(folder: Path) -> Path:
    folder.mkdir()
    (folder / "go.mod").write_text("module x\n\ngo 1.26.0\n")
    (folder / "go.sum").write_text("a v1 h1:=\n")
    return folder


def test_the_cache_key_changes_with_every_input_and_with_nothing_else(tmp_path: Path) -> None:
    folder = module(tmp_path / "m")
    one = families.Family("m", {"p": "x/p"}, {"x.Version": "1"})
    key = families.key(one, folder, "amd64")
    assert families.key(one, folder, "amd64") == key
    others = {
        families.key(one, folder, "arm64"),
        families.key(families.Family("m", {"p": "x/q"}, {"x.Version": "1"}), folder, "amd64"),
        families.key(families.Family("m", {"p": "x/p"}, {"x.Version": "2"}), folder, "amd64"),
    }
    (folder / "go.sum").write_text("a v2 h1:=\n")
    others.add(families.key(one, folder, "amd64"))
    assert len(others | {key}) == 5


@pytest.mark.parametrize("name", [one.name for one in families.FAMILIES])
def test_every_family_has_a_module_that_pins_its_programs(name: str) -> None:
    text = (SOURCES / "modules" / name / "go.mod").read_text()
    assert families.required_go(text) == (1, 26)


def test_kubernetes_is_pinned_to_the_version_that_it_is_told_to_be() -> None:
    text = (SOURCES / "modules" / "kubernetes" / "go.mod").read_text()
    assert "k8s.io/kubernetes v1.36.3" in text
    assert text.count("=> k8s.io/") == 33
    flags = families.family("kubernetes").ldflags()
    assert "-X k8s.io/component-base/version.gitVersion=v1.36.3" in flags
    assert "-X k8s.io/component-base/version.gitMinor=36" in flags


@pytest.mark.parametrize(
    ("version", "expected"),
    [((1, 26), None), ((1, 27), None), ((1, 25), "auto"), ((1, 21), "auto")],
)
def test_an_older_go_fetches_the_wanted_toolchain(
    version: tuple[int, int], expected: str | None
) -> None:
    assert gobuild.toolchain_policy(version, (1, 26)) == expected


def test_a_go_too_old_to_fetch_a_toolchain_is_refused() -> None:
    with pytest.raises(UnsupportedError, match=r"Go 1\.19 is too old: install Go 1\.26 or newer"):
        gobuild.toolchain_policy((1, 19), (1, 26))


def test_the_version_of_go_is_read_from_its_own_words() -> None:
    assert gobuild.go_version("go version go1.26.8 linux/amd64") == (1, 26)


def test_programs_in_the_cache_are_not_missing(tmp_path: Path) -> None:
    module(tmp_path / "m")
    one = families.Family("m", {"p": "x/p", "q": "x/q"})
    builder = GoBuilder(tmp_path, tmp_path / "cache", "amd64", {})
    builder.directory(one).mkdir(parents=True)
    (builder.directory(one) / "p").touch()
    assert builder.missing(one) == ["q"]


def test_the_build_context_holds_only_what_the_dockerfile_copies() -> None:
    text = (
        "FROM base\nCOPY kubelet kubeadm /usr/local/bin/\nCOPY --from=x /a /b\nCOPY c.toml /etc/\n"
    )
    assert nodeimage.dockerignore(text) == "*\n!kubelet\n!kubeadm\n!c.toml\n"


def test_programs_land_in_the_context_beside_the_node_files(tmp_path: Path) -> None:
    for name in ("node", "programs", "context"):
        (tmp_path / name).mkdir()
    (tmp_path / "node" / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "programs" / "kubelet").write_text("elf")
    nodeimage.fill(tmp_path / "context", tmp_path / "node", [tmp_path / "programs"])
    found = sorted(path.name for path in (tmp_path / "context").iterdir())
    assert found == ["Dockerfile", "kubelet"]


def test_the_stand_in_has_the_name_that_our_dockerfile_asks_for() -> None:
    assert rootfs.stand_in(None).name == "python:3.13-slim-trixie"


def test_a_private_certificate_authority_goes_into_the_stand_in_and_its_key(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.crt"
    bundle.write_text("one")
    recipe = rootfs.stand_in(bundle)
    first = recipe.key()
    call = rootfs.bootstrap(recipe, tmp_path / "base.tar")
    target = "/etc/ssl/certs/ca-certificates.crt"
    assert f"--customize-hook=upload {bundle} {target}" in call
    assert {f"ENV SSL_CERT_FILE={target}", f"ENV PIP_CERT={target}"} <= set(recipe.changes)
    bundle.write_text("two")
    assert recipe.key() != first


def test_a_full_disk_is_told_apart_from_other_failures() -> None:
    with pytest.raises(DiskFullError, match="no space left"):
        run(["bash", "-c", "echo x > /dev/full"])


def test_a_failure_carries_the_end_of_what_the_program_said() -> None:
    with pytest.raises(CommandError, match="exit code 3:\nboom"):
        run(["bash", "-c", "echo boom >&2; exit 3"])


def test_a_missing_program_is_named() -> None:
    assert shutil.which("no-such-program-here") is None
    with pytest.raises(UnsupportedError, match="no-such-program-here is not installed"):
        run(["no-such-program-here"])


def test_debians_go_is_judged_by_the_version_that_would_be_installed() -> None:
    policy = "golang-go:\n  Installed: (none)\n  Candidate: 2:1.24~2\n  Version table:\n"
    assert packages.candidate(policy) == (1, 24)
    assert packages.candidate("golang-go:\n  Candidate: (none)\n") is None
