"""`make shell`: the cluster's programs, the plugin and the demo's namespace, in a shell that leaves nothing behind."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ibgateway_cluster import Cluster
from ibgateway_stage import shell

KUBECONFIG = """\
apiVersion: v1
kind: Config
current-context: kind-a
contexts: [{name: kind-a, context: {cluster: kind-a, user: kind-a}}]
"""
RECORDER = """#!/bin/sh
echo "$(basename "$0") $* KUBECONFIG=$KUBECONFIG" >> "$RECORD"
"""


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    """A cluster whose kubectl and helm record what they are called with."""
    programs, config = tmp_path / "bin", tmp_path / "kubeconfig"
    programs.mkdir()
    config.write_text(KUBECONFIG)
    for name in ("kubectl", "helm"):
        (programs / name).write_text(RECORDER)
        (programs / name).chmod(0o755)
    environ = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "RECORD": str(tmp_path / "record"),
        "HOME": str(tmp_path),
        "KUBECONFIG": str(config),
    }
    return Cluster("a", environ, config)


def test_the_plugin_is_last_on_path_and_the_kubeconfig_is_the_shells_own(
    cluster: Cluster, tmp_path: Path
) -> None:
    env = shell.environment(cluster.environ, tmp_path)
    assert env["PATH"] == f"{cluster.environ['PATH']}:{Path(sys.executable).parent}"
    assert env["KUBECONFIG"] == str(tmp_path / "kubeconfig")


def test_a_bash_knows_the_programs_and_the_namespace(cluster: Cluster, tmp_path: Path) -> None:
    place = tmp_path / "shell"
    place.mkdir()
    shell.write(cluster, place)
    done = subprocess.run(
        shell.command("/bin/bash", place),
        input='kubectl ibgateway status\nhelm list\necho "$PS1"\nexit 3\n',
        env=shell.environment(cluster.environ, place),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert "(ibgateway-demo)" in done.stdout
    said = (tmp_path / "record").read_text().splitlines()
    mine = f"KUBECONFIG={place}/kubeconfig"
    assert said[0] == f"kubectl config set-context --current --namespace=ibgateway-demo {mine}"
    assert said[-2:] == [f"kubectl ibgateway status {mine}", f"helm list {mine}"]
    assert (place / "kubeconfig").stat().st_mode & 0o777 == 0o600
    assert cluster.kubeconfig.read_text() == KUBECONFIG


@pytest.mark.parametrize(
    ("shell_of_user", "program"),
    [("", "bash"), ("/bin/sh", "bash"), ("/usr/bin/bash", "bash"), ("/bin/zsh", "/bin/zsh")],
)
def test_whose_shell_it_is(shell_of_user: str, program: str, tmp_path: Path) -> None:
    assert shell.command(shell_of_user, tmp_path)[0] == program
