"""The gateway pod's shell scripts: the wrapper around run.sh, the preStop hook and IBC's start script.

They run in the gateway's container, so the operator hands them over in a ConfigMap; their protocol's
other half is the sentinel, and their tests stand beside its own. Data only: nothing is imported here.
"""

from importlib import resources
from typing import Final

WRAPPER: Final = "wrapper.sh"
PRESTOP: Final = "prestop.sh"
START_SCRIPT: Final = "10-ibc.sh"
"""Run by the image before IBC starts, in the order of names."""


def script(name: str) -> str:
    """The text of one of them."""
    return (resources.files(__name__) / name).read_text(encoding="utf-8")
