"""The errors of sentinel and console.

IbgatewayError               the root that the shared effects have too
├── SettingsError            of the runtime: the environment or a file does not describe a program
└── AgentError
    ├── LedgerError          the attempt ledger can't be read
    ├── StopRefusedError     a planned stop can't be now
    ├── HandoverRefusedError nobody can have the login until then
    ├── ActionRefusedError   what was asked for at the console can't be had now
    ├── ProgramLimitError    too many programs ask for the gate
    ├── DriverCommandError         the login driver's command server did not take a command
    ├── ApiClosedError       the gateway closed its API connection
    └── SessionEndedError    of the console: one viewer's session is over
"""

from ibgateway_runtime.errors import IbgatewayError


class AgentError(IbgatewayError):
    """Anything the sentinel or the console knows to be wrong; the text is for people."""


class LedgerError(AgentError):
    """The attempt ledger exists but says something that can't be read: no attempt is allowed."""


class StopRefusedError(AgentError):
    """A login is not ended now, because no attempt would be allowed after it; why, until when, what helps."""


class HandoverRefusedError(AgentError):
    """The login can't be handed over until that time; the text says why."""


class ActionRefusedError(AgentError):
    """What a person asked for at the console can't be had now; the text says why."""


class ProgramLimitError(AgentError):
    """Too many programs ask for the gate by different names; the text says how many may."""


class DriverCommandError(AgentError):
    """The login driver's command server could not be reached or refused."""


class ApiClosedError(AgentError):
    """The gateway closed its API connection."""
