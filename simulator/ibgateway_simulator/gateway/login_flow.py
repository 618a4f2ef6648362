"""What the Gateway and IBC do with a login, step by step: windows, log lines, messages to IBKR.

Steps never overlap: one queue feeds them (inputs.py). Ending the process is raised as ExitProcess. A
person may use every window at any time; IBC then only reports what it sees.
"""

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from ibgateway_simulator.gateway import autorestart, configuration
from ibgateway_simulator.gateway.dialogs import Dialogs
from ibgateway_simulator.gateway.existing_dialog import ExistingDialog
from ibgateway_simulator.gateway.existing_session import LEAVE, IbcLoginState
from ibgateway_simulator.gateway.frames import Frames
from ibgateway_simulator.gateway.ibc_log import IbcLog
from ibgateway_simulator.gateway.inputs import AutofillDue, GatewayInput
from ibgateway_simulator.gateway.protocols import ApiPort, ExitProcess, GatewayScreen
from ibgateway_simulator.gateway.push_dialog import PushDialog
from ibgateway_simulator.gateway.settings import GatewaySettings, user_folder
from ibgateway_simulator.gateway.settings_dialog import SettingsDialog
from ibgateway_simulator.gateway.windows import EXISTING, LOGIN, PUSH, dialog
from ibgateway_simulator.ibkr.gateway_messages import (
    GatewayMessage,
    GatewayRequest,
    IbkrNotice,
    request,
)
from ibgateway_simulator.model.users import ExpiryDialog, KickStyle, LoginKind, RejectionDialog


class LoginFlow:
    """One life of the Gateway under IBC.

    `post` sends IBKR a message, `later` brings an input back after some seconds, `now` gives the time.
    """

    def __init__(
        self,
        settings: GatewaySettings,
        log: IbcLog,
        *,
        screen: GatewayScreen,
        api: ApiPort,
        post: Callable[[GatewayMessage], None],
        later: Callable[[float, GatewayInput], None],
        now: Callable[[], dt.datetime],
    ) -> None:
        self._settings = settings
        self._log = log
        self._screen = screen
        self._api = api
        self._post = post
        self._later = later
        self._now = now
        self._frames = Frames(settings, log, screen)
        self._dialogs = Dialogs(settings, log, screen)
        self._push = PushDialog(settings, log, screen, post=post, later=later, now=now)
        self._question = ExistingDialog(settings, log, screen)
        self.by_hand = SettingsDialog(
            settings, log, screen, post=post, whose=lambda: (self._folder(), self._account)
        )
        self._attempts = 0
        self._main_window_found = False
        self._configured = False
        self._user = settings.option("IbLoginId")
        self._session = self._token = self._account = ""
        self._state = IbcLoginState.LOGGED_OUT

    def state(self) -> IbcLoginState:
        """Where IBC is with the login."""
        return self._state

    def _handlers(self) -> Mapping[str, Callable[[GatewayMessage], Awaitable[None]]]:
        """What is done at each of IBKR's notices."""
        return {
            IbkrNotice.DEVICES: self._push.devices,
            IbkrNotice.PUSH_SENT: self._push.sent,
            IbkrNotice.PUSH_APPROVED: self._push_approved,
            IbkrNotice.PUSH_DENIED: self._push_denied,
            IbkrNotice.PUSH_MISSED: self._push_missed,
            IbkrNotice.REJECTED: self._rejected,
            IbkrNotice.LOCKED: self._locked,
            IbkrNotice.LOGIN_ERROR: self._login_error,
            IbkrNotice.TOKEN_EXPIRED: self._token_expired,
            IbkrNotice.EXISTING: self._existing,
            IbkrNotice.LOGGED_IN: self._logged_in,
            IbkrNotice.KICKED: self._kicked,
            IbkrNotice.LINK: self._link,
            IbkrNotice.AUTO_RESTART: self._auto_restart,
        }

    async def begin(self) -> None:
        """The login window opens; IBC fills it in, or the token logs in by itself."""
        await self._pause()
        self._frames.login_opened()
        if self._settings.restart:
            self._log.focus(LOGIN)
            self._token = autorestart.take(self._settings)
            await self._enter(kind=LoginKind.TOKEN, token=self._token)
        else:
            await self.autofill()

    async def autofill(self) -> None:
        """IBC types user name and password and presses the button."""
        mode, log = self._settings.mode, self._log
        log.line(f"trading mode from settings: tradingMode={mode}")
        log.line(f"Setting Trading mode = {mode}")
        log.line("Setting user name")
        log.line("Setting password")
        user, password = self._settings.option("IbLoginId"), self._settings.option("IbPassword")
        self._screen.fill(user, password)
        await self._pause()
        if not user or not password:
            return
        self._attempts += 1
        log.line(f"Login attempt: {self._attempts}")
        log.line(f"trading mode from settings: tradingMode={mode}")
        log.line(f"Click button: {'Log In' if mode == 'live' else 'Paper Log In'}")
        log.focus(LOGIN)
        self._push.attempted()
        self._screen.press_login()

    async def autofill_again(self) -> None:
        """IBC tries again, unless a person was faster."""
        if self._state is IbcLoginState.LOGGED_OUT:
            await self.autofill()

    async def clicked(self, user: str, password: str) -> None:
        """Somebody pressed the login button; IBC's own click comes here too."""
        self._user = user
        await self._enter(kind=LoginKind.FULL, password=password)

    async def receive(self, message: GatewayMessage) -> None:
        """A message of IBKR; unknown ones are ignored."""
        handler = self._handlers().get(message["type"])
        if handler is not None:
            await handler(message)

    async def button(self, title: str, label: str) -> None:
        """A person pressed a dialog's button."""
        if title == EXISTING.title:
            self._existing_answered(go_on=label != LEAVE)
            return
        if title == PUSH.title:
            self._push.chosen(label)
            return
        self._screen.close_dialog(title)
        self._log.closed(dialog(title))
        if self._state is IbcLoginState.LOGGED_OUT:
            self._frames.login_again()

    async def line(self, *, up: bool) -> None:
        """The line to IBKR itself: its loss ends the session; the token brings it back."""
        if up and self._session:
            self._session, self._state = "", IbcLoginState.LOGGING_IN
            self._ask(kind=LoginKind.TOKEN, token=self._token)
        elif not up and self._session:
            self._api.close()
            self._frames.connecting(self._account)
        elif not up and self._state is IbcLoginState.LOGGING_IN:
            self._push.withdrawn()
            self._back_to_login()

    async def restart(self) -> None:
        """The Gateway's own restart: the token is left for the next start."""
        self._dialogs.restarting()
        self._api.close()
        autorestart.leave(self._folder(), self._token)
        self._post(request(GatewayRequest.LOGOUT))
        await self._pause()
        raise ExitProcess(0)

    def set_restart_time(self, time: str) -> None:
        """IBC sets another restart time for RESTART or PAUSE."""
        configuration.set_restart_time(
            self._settings, self._log, self._folder(), self._account, time
        )

    async def _enter(self, **credentials: Any) -> None:
        self._state = IbcLoginState.LOGGING_IN
        self._log.blur()
        if not self._main_window_found:
            self._main_window_found = True
            self._frames.main_window_found()
        await self._pause()
        self._frames.authenticating()
        self._ask(**credentials)

    def _ask(self, **credentials: Any) -> None:
        done = self._configured
        read_only = configuration.is_read_only(self._settings, self._folder(), configured=done)
        who = {"user": self._user, "mode": self._settings.mode, "session": self._session}
        self._post(request(GatewayRequest.LOGIN, read_only=read_only, **who, **credentials))

    async def _push_approved(self, _: GatewayMessage) -> None:
        self._push.closed(missed=False)

    async def _push_denied(self, _: GatewayMessage) -> None:
        self._push.closed(missed=False)
        self._back_to_login()

    async def _push_missed(self, _: GatewayMessage) -> None:
        self._push.closed(missed=True)
        self._back_to_login()

    def stalled(self) -> None:
        """IBC ends the process if the login has not completed since its push."""
        self._push.stalled()

    def _back_to_login(self) -> None:
        self._frames.login_ended()
        self._frames.login_again()
        self._state = IbcLoginState.LOGGED_OUT

    async def _rejected(self, message: GatewayMessage) -> None:
        self._refused()
        self._dialogs.rejected(RejectionDialog(message["dialog"]))

    async def _locked(self, message: GatewayMessage) -> None:
        self._refused()
        left = float(message["seconds"])
        self._dialogs.locked(left)
        if self._push.tries_again:
            wait = self._dialogs.lock_dismissed(left, now=self._now(), attempt=self._attempts + 1)
            self._later(wait, AutofillDue())

    async def _login_error(self, _: GatewayMessage) -> None:
        self._refused()
        self._dialogs.login_error()

    async def _token_expired(self, message: GatewayMessage) -> None:
        self._refused()
        if message.get("file_stays"):
            autorestart.leave(self._settings.settings_dir / self._settings.restart, self._token)
        self._dialogs.token_expired(ExpiryDialog(message["dialog"]))

    def _refused(self) -> None:
        self._frames.login_ended()
        self._state = IbcLoginState.LOGGED_OUT

    async def _existing(self, _: GatewayMessage) -> None:
        go_on = self._question.asked(self._state, known=bool(self._session))
        if go_on is not None:
            self._existing_answered(go_on=go_on)

    def _existing_answered(self, *, go_on: bool) -> None:
        self._question.closed()
        if not go_on:
            self._post(request(GatewayRequest.EXISTING_ANSWER, go_on=False))
            self._api.close()
            raise ExitProcess(0)
        if self._state is IbcLoginState.LOGGED_IN:
            self._reconnect(take_over=True)
        else:
            self._post(request(GatewayRequest.EXISTING_ANSWER, go_on=True))

    async def _logged_in(self, message: GatewayMessage) -> None:
        self._session, self._token = message["session"], message["token"]
        self._account = message["account"]
        new = self._state is not IbcLoginState.LOGGED_IN
        await self._api.open(self._session)
        self._frames.online(self._account)
        self._state = IbcLoginState.LOGGED_IN
        self._push.completed()
        if new:
            self._log.line("Login has completed")
        if self._settings.has_config_tasks and not self._configured:
            configuration.configure(self._settings, self._log, self._folder(), self._account)
        self._configured = True

    async def _kicked(self, message: GatewayMessage) -> None:
        style = KickStyle(message["style"])
        if style is KickStyle.EXISTING:
            await self._existing(message)
        elif style is KickStyle.SILENT:
            self._frames.connecting(self._account)
        else:
            self._dialogs.disconnected()
            self._push.attempted()
            self._state = IbcLoginState.LOGGING_IN
            self._reconnect(take_over=False)

    def _reconnect(self, *, take_over: bool) -> None:
        self._frames.connecting(self._account)
        self._ask(kind=LoginKind.RELOGIN, take_over=take_over)

    async def _link(self, message: GatewayMessage) -> None:
        if message["up"]:
            self._frames.online(self._account)
        else:
            self._frames.connecting(self._account)

    async def _auto_restart(self, _: GatewayMessage) -> None:
        await self.restart()

    def _folder(self) -> Path:
        return user_folder(self._settings.settings_dir, self._user)

    async def _pause(self) -> None:
        await asyncio.sleep(self._settings.pause)
