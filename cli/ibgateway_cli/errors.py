"""What can go wrong, as a person hears it: one sentence, the next step, and an exit code for scripts."""

from enum import IntEnum


class ExitCode(IntEnum):
    """How a command ended; docs/plugin.md has the same table."""

    DONE = 0
    FAILED = 1
    """It went wrong, or what was looked at is not as it should be."""
    USAGE = 2
    """The command line is wrong, or nobody was there to say yes."""
    NOT_FOUND = 3
    """Nothing of that name, or more than one gateway to choose from."""
    REFUSED = 4
    """The product says no, and why."""
    UNREACHABLE = 5
    """kubectl, the API server or a pod does not answer."""
    UNANSWERED = 6
    """What was asked may happen yet: nobody has told in time how it ended."""
    NOT_ALLOWED = 7
    """The cluster does not let this user."""
    MISSED = 8
    """The push was not approved."""


class PluginError(Exception):
    """Every error of the plugin: `sentence` says what is, `next_step` what to do; both without a full stop."""

    def __init__(
        self, sentence: str, next_step: str = "", exit_code: ExitCode = ExitCode.FAILED
    ) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.next_step = next_step
        self.exit_code = exit_code
