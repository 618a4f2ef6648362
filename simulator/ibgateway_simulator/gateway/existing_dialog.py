"""The dialog "Existing session detected": IBC's answer to it, or a person's."""

from ibgateway_simulator.gateway.existing_session import LEAVE, IbcLoginState, choose
from ibgateway_simulator.gateway.ibc_log import IbcLog
from ibgateway_simulator.gateway.protocols import GatewayScreen
from ibgateway_simulator.gateway.settings import GatewaySettings
from ibgateway_simulator.gateway.windows import EXISTING


class ExistingDialog:
    """Asked for one process; it remembers that this process has taken a session over once."""

    def __init__(self, settings: GatewaySettings, log: IbcLog, screen: GatewayScreen) -> None:
        self._action = settings.option("ExistingSessionDetectedAction", "manual").lower()
        self._log = log
        self._screen = screen
        self._taken_over = False

    def asked(self, state: IbcLoginState, *, known: bool) -> bool | None:
        """Whether IBC goes on with this session; None leaves the dialog to a person.

        `known`: the Gateway has had its session already and would only reconnect it.
        """
        button = "Reconnect This Session" if known else "Continue Login"
        text = "Another session has your user name."
        self._screen.dialog(EXISTING.title, text, [button, LEAVE])
        self._log.event(EXISTING, "Opened")
        choice = choose(self._action, state, taken_over=self._taken_over)
        self._taken_over = self._taken_over or choice.takes_over
        for line in choice.lines:
            self._log.line(line)
        if choice.go_on is None:
            self._log.focus(EXISTING)
        else:
            self._log.line(f"Click button: {button if choice.go_on else LEAVE}")
        return choice.go_on

    def closed(self) -> None:
        """The question is answered."""
        self._screen.close_dialog(EXISTING.title)
        self._log.closed(EXISTING)
