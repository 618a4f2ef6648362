"""A network of the run's own: loopback, and on it the addresses of all pods.

Everything of a run lives in it, so nothing of it is seen outside and no port of the machine is taken.
"""

import json
import os
import subprocess
import sys
from typing import Any, Final

POD_NETWORK: Final = "10.64.0.0/11"
ADVERTISED: Final = "10.77.0.1"
"""The API server refuses to advertise a loopback address; nobody uses this one."""
_INSIDE: Final = "SCALE_WORLD_NETWORK"


def apart(*argv: str) -> list[str]:
    """A command in a network namespace of its own; only root may make one."""
    return ["unshare", "--net", "--", *argv]


def played(module: str, *arguments: str, **environ: str) -> dict[str, Any]:
    """What a story of this package has seen: its last line, from a network of its own. Raises CalledProcessError."""
    paths = os.pathsep.join(part for part in sys.path if part)
    told = subprocess.run(
        apart(sys.executable, "-m", module, *arguments),
        env={**os.environ, "PYTHONPATH": paths, **environ},
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    seen: dict[str, Any] = json.loads(told.stdout.splitlines()[-1])
    return seen


def enter() -> None:
    """Start this program again in a network namespace of its own. Ends the program where that can't be."""
    if os.environ.get(_INSIDE):
        return
    if os.geteuid() != 0:
        sys.exit("root is needed: the run makes a network namespace of its own")
    argv = apart(sys.executable, *sys.argv)
    os.execvpe(argv[0], argv, {**os.environ, _INSIDE: "1"})  # noqa: S606


def prepare() -> None:
    """Loopback up, and every address of a pod answered here."""
    commands = (
        "ip link set lo up",
        f"ip address add {ADVERTISED}/32 dev lo",
        f"ip route add local {POD_NETWORK} dev lo",
    )
    for command in commands:
        subprocess.run(command.split(), check=True)
