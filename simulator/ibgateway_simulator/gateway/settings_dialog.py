"""Configure > Settings, opened by a person: what it shows, keeps and changes. IBC only reports the window.

What is changed counts at once and is kept for the next start; there IBC sets what its own `ReadOnlyApi` says, so that a
checkbox set by hand outlives a restart only where that is empty.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ibgateway_simulator.gateway.configuration import configuration_window
from ibgateway_simulator.gateway.ibc_log import IbcLog
from ibgateway_simulator.gateway.inputs import (
    SettingsApplied,
    SettingsClosed,
    SettingsInput,
    SettingsRequested,
)
from ibgateway_simulator.gateway.protocols import GatewayScreen
from ibgateway_simulator.gateway.settings import ApiSettings, GatewaySettings, remember, remembered
from ibgateway_simulator.gateway.windows import GatewayWindow
from ibgateway_simulator.ibkr.gateway_messages import GatewayMessage, GatewayRequest, request


class SettingsDialog:
    """At most one is open.

    `post` sends IBKR's side, which answers the API, what has changed; `whose` gives the user's folder and account.
    """

    def __init__(
        self,
        settings: GatewaySettings,
        log: IbcLog,
        screen: GatewayScreen,
        *,
        post: Callable[[GatewayMessage], None],
        whose: Callable[[], tuple[Path, str]],
    ) -> None:
        self._settings = settings
        self._log = log
        self._screen = screen
        self._post = post
        self._whose = whose
        self._window: GatewayWindow | None = None

    def handle(self, item: SettingsInput) -> None:
        """The menu's line, or a button of the window."""
        folder, account = self._whose()
        match item:
            case SettingsRequested():
                self._open(folder, account)
            case SettingsApplied(chosen):
                self._apply(folder, chosen)
            case SettingsClosed():
                self._close()

    def _open(self, folder: Path, account: str) -> None:
        if self._window is not None:
            return
        self._window = configuration_window(self._settings, account)
        kept = remembered(folder)
        self._screen.settings(
            self._window.title, ApiSettings(kept.read_only, kept.master_client_id)
        )
        self._log.opened(self._window)

    def _apply(self, folder: Path, chosen: ApiSettings) -> None:
        remember(
            folder,
            replace(
                remembered(folder),
                read_only=chosen.read_only,
                master_client_id=chosen.master_client_id,
            ),
        )
        self._post(request(GatewayRequest.API_SETTINGS, read_only=chosen.read_only))

    def _close(self) -> None:
        if self._window is None:
            return
        self._screen.close_settings()
        self._log.closed(self._window)
        self._window = None
