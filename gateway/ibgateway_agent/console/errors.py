"""How a viewer's session is ended from within: see the tree in `ibgateway_agent.errors`."""

from ibgateway_agent.console.endings import SessionEnd
from ibgateway_agent.errors import AgentError


class SessionEndedError(AgentError):
    """One viewer's session is over; `ending` is what its page shows."""

    def __init__(self, ending: SessionEnd) -> None:
        super().__init__(ending.text)
        self.ending = ending
