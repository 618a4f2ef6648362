"""What the Gateway and IBC do with a login, step by step: windows, log lines, messages to IBKR.

One queue feeds it (clicks, buttons, IBKR's messages, the restart time), so steps never overlap.
Ending the process is raised as Exit. A person may use every window at any time; IBC then only
reports what it sees.
"""

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from ibgateway_simulator.gateway import autorestart, configuration
from ibgateway_simulator.gateway.dialogs import Dialogs
from ibgateway_simulator.gateway.existing import LEAVE, State, choose
from ibgateway_simulator.gateway.ibc_log import IbcLog, Window
from ibgateway_simulator.gateway.settings import GatewaySettings, user_folder
from ibgateway_simulator.gateway.titles import (
    AUTHENTICATING,
    CONNECTING,
    EXISTING,
    LOADING,
    LOGIN,
    PUSH,
    RESTART,
    STARTING,
    ExitProcess,
    FlowPorts,
)

RELOGIN_PAUSE = 5.0
Message = dict[str, Any]


class Flow:
    """One life of the Gateway under IBC."""

    def __init__(self, settings: GatewaySettings, log: IbcLog, outside: FlowPorts) -> None:
        self._settings = settings
        self._log = log
        self._outside = outside
        self._screen = outside.screen
        self._dialogs = Dialogs(settings, log, outside.screen)
        self._attempts = 0
        self._started = dt.datetime.now(dt.UTC)
        self._first = True
        self._taken_over = False
        self._configured = False
        self._user = settings.option("IbLoginId")
        self._session = self._token = self._account = ""
        self.state: State = "LOGGED_OUT"
        self._handlers: dict[str, Callable[[Message], Awaitable[None]]] = {
            "push_sent": self._push_sent,
            "push_approved": self._push_closed,
            "push_denied": self._push_denied,
            "push_missed": self._push_missed,
            "rejected": self._refused,
            "locked": self._refused,
            "token_expired": self._refused,
            "existing": self._existing,
            "logged_in": self._logged_in,
            "kicked": self._kicked,
            "restored": self._link_restored,
            "link": self._link,
            "line": self._line,
            "auto_restart": self._auto_restart,
        }

    async def begin(self) -> None:
        """The login window opens; IBC fills it in, or the token logs in by itself."""
        await self._pause()
        self._screen.show_login()
        self._log.event(LOGIN, "Opened")
        self._log.line("Login dialog WINDOW_OPENED: LoginState is LOGGED_OUT")
        if self._settings.restart:
            self._log.focus(LOGIN)
            await self._enter({"kind": "token", "token": autorestart.take(self._settings)})
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
        self._screen.press_login()

    async def clicked(self, user: str, password: str) -> None:
        """Somebody pressed the login button; IBC's own click comes here too."""
        self._user = user
        await self._enter({"kind": "full", "password": password})

    async def receive(self, message: Message) -> None:
        """A message of IBKR; unknown ones are ignored."""
        handler = self._handlers.get(message["type"])
        if handler is not None:
            await handler(message)

    async def button(self, title: str, label: str) -> None:
        """A person pressed a dialog's button."""
        if title == EXISTING[1]:
            self._existing_answered(go_on=label != LEAVE)
            return
        window: Window = ("dialog", title)
        self._screen.close_dialog(title)
        self._log.closed(window)
        if self.state == "LOGGED_OUT":
            self._screen.show_login()
            self._log.focus(LOGIN)

    async def restart(self) -> None:
        """The Gateway's own restart: the token is left for the next start."""
        self._screen.dialog(RESTART[1], "Restarting...", [])
        self._log.opened(RESTART)
        self._outside.api.close()
        autorestart.leave(self._folder(), self._token)
        self._outside.post({"type": "logout"})
        await self._pause()
        raise ExitProcess(0)

    async def restart_at(self, time: str) -> None:
        """IBC sets another restart time for RESTART or PAUSE."""
        configuration.set_restart_time(
            self._settings, self._log, self._folder(), self._account, time
        )

    async def _enter(self, request: Message) -> None:
        self.state, self._started = "LOGGING_IN", dt.datetime.now(dt.UTC)
        self._log.blur()
        if self._first:
            self._main_window()
        await self._pause()
        self._screen.splash(AUTHENTICATING[1])
        self._log.opened(AUTHENTICATING)
        self._ask(request)

    def _main_window(self) -> None:
        self._first = False
        found = ["Found Gateway main window"]
        if self._settings.has_config_tasks:
            found += ["Got main window from future", "Invoking config dialog menu"]
        self._log.opened(LOADING, *found)

    def _ask(self, request: Message) -> None:
        read_only = configuration.wants_read_only(self._settings, self._folder())
        who = {"user": self._user, "mode": self._settings.mode, "session": self._session}
        self._outside.post({"type": "login", "read_only": read_only, **who, **request})

    async def _push_sent(self, _: Message) -> None:
        text = "Check your phone: a notification has been sent to IBKR Mobile."
        self._screen.dialog(PUSH[1], text, [])
        self._log.opened(PUSH, "Second Factor Authentication initiated")

    async def _push_closed(self, _: Message) -> None:
        self._screen.close_dialog(PUSH[1])
        self._log.closed(PUSH)
        elapsed = (dt.datetime.now(dt.UTC) - self._started).total_seconds()
        self._log.line(f"Duration since login: {int(elapsed) + 1} seconds")

    async def _push_denied(self, message: Message) -> None:
        await self._push_closed(message)
        self._back_to_login()

    async def _push_missed(self, message: Message) -> None:
        await self._push_closed(message)
        again = self._settings.option("ReloginAfterSecondFactorAuthenticationTimeout") == "yes"
        head = "Re-login after second factor authentication timeout"
        self._log.line(f"{head} in 5 second" if again else f"{head} not required")
        self._back_to_login()
        if again:
            self._outside.later(RELOGIN_PAUSE, "autofill")

    def _back_to_login(self) -> None:
        self._splash_gone(AUTHENTICATING)
        self._screen.show_login()
        self._log.focus(LOGIN)
        self.state = "LOGGED_OUT"

    def _splash_gone(self, window: Window) -> None:
        self._screen.splash("")
        self._log.closed(window)

    async def _refused(self, message: Message) -> None:
        self._splash_gone(AUTHENTICATING)
        self.state = "LOGGED_OUT"
        known = {"rejected": self._dialogs.rejected, "locked": self._dialogs.locked}
        known.get(message["type"], self._dialogs.token_expired)(message)

    async def _existing(self, _: Message) -> None:
        button = "Reconnect This Session" if self._session else "Continue Login"
        self._screen.dialog(EXISTING[1], "Another session has your user name.", [button, LEAVE])
        self._log.event(EXISTING, "Opened")
        action = self._settings.option("ExistingSessionDetectedAction", "manual").lower()
        choice = choose(action, self.state, taken_over=self._taken_over)
        self._taken_over = self._taken_over or choice.takes_over
        for line in choice.lines:
            self._log.line(line)
        if choice.go_on is None:
            self._log.focus(EXISTING)
            return
        self._log.line(f"Click button: {button if choice.go_on else LEAVE}")
        self._existing_answered(go_on=choice.go_on)

    def _existing_answered(self, *, go_on: bool) -> None:
        self._screen.close_dialog(EXISTING[1])
        self._log.closed(EXISTING)
        if not go_on:
            self._outside.post({"type": "existing_answer", "go_on": False})
            self._outside.api.close()
            raise ExitProcess(0)
        if self.state == "LOGGED_IN":
            self._reconnect(take_over=True)
        else:
            self._outside.post({"type": "existing_answer", "go_on": True})

    async def _logged_in(self, message: Message) -> None:
        self._session, self._token = message["session"], message["token"]
        self._account = message["account"]
        new = self.state != "LOGGED_IN"
        await self._outside.api.open(self._session)
        self._online()
        self.state = "LOGGED_IN"
        if new:
            self._log.line("Login has completed")
        if self._settings.has_config_tasks and not self._configured:
            configuration.configure(self._settings, self._log, self._folder(), self._account)
        self._configured = True

    def _online(self) -> None:
        self._log.renamed(STARTING[1])
        self._splash_gone(STARTING)
        port = self._settings.api_port
        self._screen.show_main(
            f"Account: {self._account}", f"API server: listening on {port}", "Connected"
        )

    async def _kicked(self, message: Message) -> None:
        if message["style"] == "existing":
            await self._existing(message)
        elif message["style"] == "silent":
            self._connecting()
        else:
            self._dialogs.disconnected()
            self.state = "LOGGING_IN"
            self._reconnect(take_over=False)

    def _reconnect(self, *, take_over: bool) -> None:
        self._connecting()
        self._ask({"kind": "relogin", "take_over": take_over})

    def _connecting(self) -> None:
        self._screen.splash(CONNECTING[1])
        self._screen.show_main(f"Account: {self._account}", CONNECTING[1])
        self._log.opened(CONNECTING)

    async def _link(self, message: Message) -> None:
        if message["up"]:
            self._online()
        else:
            self._connecting()

    async def _link_restored(self, _: Message) -> None:
        """A session taken silently is back; after a re-login `logged_in` says the same."""
        if self.state == "LOGGED_IN":
            self._online()

    async def _line(self, message: Message) -> None:
        """The line to IBKR itself: its loss ends the session; the token brings it back."""
        if message["up"] and self._session:
            self._session, self.state = "", "LOGGING_IN"
            self._ask({"kind": "token", "token": self._token})
        elif not message["up"] and self._session:
            self._outside.api.close()
            self._connecting()
        elif not message["up"] and self.state == "LOGGING_IN":
            self._screen.close_dialog(PUSH[1])
            self._back_to_login()

    async def _auto_restart(self, _: Message) -> None:
        await self.restart()

    def _folder(self) -> Path:
        return user_folder(self._settings.settings_dir, self._user)

    async def _pause(self) -> None:
        await asyncio.sleep(self._settings.pause)
