"""Everything this tool raises on purpose; the command line prints it as one line.

ClusterToolError
├── UnsupportedError       this machine can't do it; says what to install
├── CommandError     a program ended with an error; carries the end of what it said
├── DiskFullError          no space left, before or during the work
├── BusyError              another `up` or `down` holds the lock
├── ForeignClusterError    a kube context that this tool did not make
└── NotRunningError        asked for something that only a running cluster has
"""

from collections.abc import Sequence


class ClusterToolError(Exception):
    """Base of all expected errors; `str()` is fit for a person."""


class UnsupportedError(ClusterToolError):
    """The machine lacks something that the tool can't bring along."""


class CommandError(ClusterToolError):
    """A program that the tool called ended with an error.

    Shapes: `argv` as called, `returncode` of the process, `output` its last lines (stderr and stdout).
    """

    def __init__(self, argv: Sequence[str], returncode: int, output: str) -> None:
        """Keep what failed; the message shows the program and the end of its output."""
        self.argv = tuple(argv)
        self.returncode = returncode
        self.output = output
        tail = "\n".join(output.strip().splitlines()[-15:])
        super().__init__(f"{' '.join(self.argv[:6])} failed with exit code {returncode}:\n{tail}")


class DiskFullError(ClusterToolError):
    """There is not enough space on a disk."""


class BusyError(ClusterToolError):
    """Another run of this tool is at work on the same machine state."""


class ForeignClusterError(ClusterToolError):
    """The named cluster or kube context is not one of ours."""


class NotRunningError(ClusterToolError):
    """The cluster (or its engine) is not up."""
