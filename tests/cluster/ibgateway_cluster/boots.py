"""A node's boot, for which kind waits 30 seconds and has no option.

On a machine that is busy, as after the builds before it, systemd takes longer. The node is then removed and booted anew: its files are
in memory by now. Any other error is one.
"""

from collections.abc import Callable
from typing import Final

from ibgateway_cluster.errors import CommandError

BOOTS: Final = 3
_TOO_SLOW: Final = "could not find a log line that matches"


def boot(
    create: Callable[[], None], remove: Callable[[], None], say: Callable[[str], None]
) -> None:
    """Create the nodes; CommandError where they do not boot, or not in time at the third try."""
    for left in reversed(range(BOOTS)):
        try:
            return create()
        except CommandError as error:
            if _TOO_SLOW not in error.output or not left:
                raise
            say("the node was not up within kind's 30 seconds, so it is booted once more")
            remove()
    return None
