"""The program `kubectl_complete-ibgateway`: kubectl asks it what may follow `kubectl ibgateway ...` (kubectl 1.26 on)."""

import contextlib
import io
import os
import shlex
import sys
from collections.abc import Sequence
from typing import Final

from ibgateway_cli.app import Plugin
from ibgateway_cli.kube.cluster import Cluster
from ibgateway_cli.main import PROGRAM, app
from ibgateway_cli.terminal.terminal import this_terminal

NO_FILES: Final = ":4"
"""Cobra's directive: what is offered is all there is, no files."""
_VARIABLE: Final = f"_{PROGRAM.upper().replace('-', '_')}_COMPLETE"


def offered(words: Sequence[str], plugin: Plugin) -> list[str]:
    """What may stand in place of the last of the words, which may be empty."""
    asked = {
        _VARIABLE: "complete_bash",
        "COMP_WORDS": shlex.join([PROGRAM, *words]),
        "COMP_CWORD": str(len(words)),
    }
    printed, before = io.StringIO(), dict(os.environ)
    os.environ.update(asked)
    try:
        with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
            app(prog_name=PROGRAM, obj=plugin)
    finally:
        os.environ.clear()
        os.environ.update(before)
    return printed.getvalue().split()


def main() -> None:
    """One offer a line, then the directive, as kubectl reads it."""
    found = offered(sys.argv[1:] or [""], Plugin(Cluster(), this_terminal()))
    sys.stdout.write("\n".join([*found, NO_FILES]) + "\n")


if __name__ == "__main__":
    main()
