"""Every error of the console.

AgentError of this package
└── ConsoleError
    ├── SettingsError       the environment can't be used; the message says which variable and why
    └── SessionEndedError   one viewer's session is over; carries the Ending that its page shows
"""

from ibgateway_agent.console.endings import SessionEnd
from ibgateway_agent.errors import AgentError


class ConsoleError(AgentError):
    """Root of the console's errors."""


class ConsoleSettingsError(ConsoleError):
    """A variable of the environment is missing or makes no sense."""


class SessionEndedError(ConsoleError):
    """One session is over."""

    def __init__(self, ending: SessionEnd) -> None:
        super().__init__(ending.text)
        self.ending = ending
