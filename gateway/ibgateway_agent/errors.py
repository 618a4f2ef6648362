"""The sentinel's errors: AgentError > SettingsError | LedgerError | CommandError | ApiClosedError."""


class AgentError(Exception):
    """Anything the sentinel or the console knows to be wrong; the text is for people."""


class SettingsError(AgentError):
    """`settings.json` is missing or not what it should be."""


class LedgerError(AgentError):
    """The attempt ledger exists but says something that can't be read: no attempt is allowed."""


class CommandError(AgentError):
    """The login driver's command server could not be reached or refused."""


class ApiClosedError(AgentError):
    """The gateway closed its API connection."""
