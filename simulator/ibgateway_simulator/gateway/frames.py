"""The Gateway's frames as a login goes on: each is shown and reported as IBC does."""

from ibgateway_simulator.gateway.ibc_log import IbcLog
from ibgateway_simulator.gateway.protocols import GatewayScreen
from ibgateway_simulator.gateway.settings import GatewaySettings
from ibgateway_simulator.gateway.windows import (
    AUTHENTICATING,
    CONNECTING,
    LOADING,
    LOGIN,
    STARTING,
    GatewayWindow,
)


class Frames:
    """Login window, splash and main window."""

    def __init__(self, settings: GatewaySettings, log: IbcLog, screen: GatewayScreen) -> None:
        self._settings = settings
        self._log = log
        self._screen = screen
        self._splash = LOADING

    def login_opened(self) -> None:
        """The login window opens for the first time."""
        self._screen.show_login()
        self._log.event(LOGIN, "Opened")
        self._log.line("Login dialog WINDOW_OPENED: LoginState is LOGGED_OUT")

    def login_again(self) -> None:
        """The login window is there for another try."""
        self._screen.show_login()
        self._log.focus(LOGIN)

    def main_window_found(self) -> None:
        """IBC has found the main window."""
        found = ["Found Gateway main window"]
        if self._settings.has_config_tasks:
            found += ["Got main window from future", "Invoking config dialog menu"]
        self._log.opened(LOADING, *found)

    def authenticating(self) -> None:
        """Credentials are on their way."""
        self._splash = AUTHENTICATING
        self._screen.splash(AUTHENTICATING.title)
        self._log.opened(AUTHENTICATING)

    def login_ended(self) -> None:
        """The login came to nothing."""
        self._splash_gone(self._splash)

    def connecting(self, account: str) -> None:
        """The Gateway looks for IBKR."""
        self._splash = CONNECTING
        self._screen.splash(CONNECTING.title)
        self._screen.show_main(f"Account: {account}", CONNECTING.title)
        self._log.opened(CONNECTING)

    def online(self, account: str) -> None:
        """The Gateway is connected."""
        self._log.renamed(STARTING.title)
        self._splash_gone(STARTING)
        port = self._settings.api_port
        self._screen.show_main(
            f"Account: {account}", f"API server: listening on {port}", "Connected"
        )

    def _splash_gone(self, window: GatewayWindow) -> None:
        self._screen.splash("")
        self._log.closed(window)
