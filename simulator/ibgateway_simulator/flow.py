"""What the Gateway and IBC do with a login, step by step: windows, log lines, messages to IBKR.

One queue feeds it (clicks, buttons, IBKR's messages, the restart time), so steps never overlap.
Ending the process is raised as Exit. IBC's state decides how it answers "Existing session
detected"; a person may use every window at any time, IBC then only reports what it sees.
"""

import asyncio
import datetime as dt
from collections.abc import Callable
from typing import Any, Literal, Protocol

from ibgateway_simulator import autorestart
from ibgateway_simulator.gateway_settings import (
    GatewaySettings,
    Remembered,
    remember,
    remembered,
    user_folder,
)
from ibgateway_simulator.ibc_log import IbcLog, Window

LOGIN: Window = ("frame", "IBKR Gateway")
LOADING: Window = ("frame", "Loading...")
AUTHENTICATING: Window = ("frame", "Authenticating...")
CONNECTING: Window = ("frame", "Connecting to server...")
STARTING: Window = ("frame", "Starting application...")
PUSH: Window = ("dialog", "Second Factor Authentication")
EXISTING: Window = ("dialog", "Existing session detected")
RELOGIN: Window = ("dialog", "Re-login is required")
REJECTED: Window = ("dialog", "Unrecognized Username or Password")
FAILED: Window = ("dialog", "Login failed")
LOCKED: Window = ("dialog", "Login")
NOTICE: Window = ("dialog", "IBKR Gateway")
RESTART: Window = ("dialog", "Restart in progress")
TOKENS = (
    "The security tokens associated with your login credentials have expired (routinely) in "
    "accordance with our security protocols. Please manually enter your username and password."
)
RELOGIN_PAUSE = 5.0


class Exit(Exception):  # noqa: N818 -- the process ends, nothing is wrong
    """The process ends with this code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class ScreenPort(Protocol):
    """The windows, as the flow uses them."""

    def show_login(self) -> None: ...  # noqa: D102
    def fill(self, user: str, password: str) -> None: ...  # noqa: D102
    def press_login(self) -> None: ...  # noqa: D102
    def splash(self, text: str) -> None: ...  # noqa: D102
    def dialog(self, title: str, text: str, buttons: list[str]) -> None: ...  # noqa: D102
    def close_dialog(self, title: str) -> None: ...  # noqa: D102
    def show_main(self, *lines: str) -> None: ...  # noqa: D102


class ApiPort(Protocol):
    """The API port, as the flow uses it."""

    async def open(self, session: str) -> None: ...  # noqa: D102
    def close(self) -> None: ...  # noqa: D102


class Flow:
    """One life of the Gateway under IBC."""

    def __init__(
        self,
        settings: GatewaySettings,
        log: IbcLog,
        screen: ScreenPort,
        *,
        post: Callable[[dict[str, Any]], None],
        api: ApiPort,
    ) -> None:
        self._settings = settings
        self._log = log
        self._screen = screen
        self._post = post
        self._api = api
        self._attempts = 0
        self._started: dt.datetime | None = None
        self._first = True
        self._typing = False
        self._taken_over = False
        self._configured = False
        self._user = settings.option("IbLoginId")
        self._session = ""
        self._token = ""
        self.state: Literal["LOGGED_OUT", "LOGGING_IN", "LOGGED_IN"] = "LOGGED_OUT"

    async def begin(self) -> None:
        """The login window opens; IBC fills it in, or the token logs in by itself."""
        await self._pause()
        self._screen.show_login()
        self._log.event(LOGIN, "Opened")
        self._log.line("Login dialog WINDOW_OPENED: LoginState is LOGGED_OUT")
        if self._settings.restart:
            self._log.focus(LOGIN)
            await self._enter("token")
        else:
            await self.autofill()

    async def autofill(self) -> None:
        """IBC types user name and password and presses the button."""
        mode, log = self._settings.mode, self._log
        button = "Log In" if mode == "live" else "Paper Log In"
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
        log.line(f"Click button: {button}")
        log.focus(LOGIN)
        self._typing = True
        self._screen.press_login()

    async def clicked(self, user: str, password: str) -> None:
        """Somebody pressed the login button; IBC's own click comes here too."""
        self._typing = False
        self._user = user
        await self._enter("full", password)

    async def _enter(self, kind: str, password: str = "") -> None:
        self.state, self._started = "LOGGING_IN", dt.datetime.now(dt.UTC)
        self._log.blur()
        if self._first:
            self._main_window()
        await self._pause()
        self._screen.splash("Authenticating...")
        self._log.opened(AUTHENTICATING)
        request: dict[str, Any] = {"kind": kind, "password": password}
        if kind == "token":
            request["token"] = autorestart.take(self._settings)
        self._ask(request)

    def _main_window(self) -> None:
        self._first = False
        found = ["Found Gateway main window"]
        if self._settings.has_config_tasks:
            found += ["Got main window from future", "Invoking config dialog menu"]
        self._log.opened(LOADING, *found)

    def _ask(self, request: dict[str, Any]) -> None:
        kept = remembered(self._folder())
        chosen = self._settings.option("ReadOnlyApi").lower()
        read_only = kept.read_only if not chosen else chosen in ("yes", "true")
        self._post(
            {
                "type": "login",
                "user": self._user,
                "mode": self._settings.mode,
                "read_only": read_only,
                "session": self._session,
                **request,
            }
        )

    async def receive(self, message: dict[str, Any]) -> None:
        """A message of IBKR."""
        handler: Callable[[dict[str, Any]], Any] | None = getattr(
            self, f"_on_{message['type']}", None
        )
        if handler is not None:
            await handler(message)

    async def _on_push_sent(self, _: dict[str, Any]) -> None:
        text = "Check your phone: a notification has been sent to IBKR Mobile."
        self._screen.dialog(PUSH[1], text, [])
        self._log.opened(PUSH, "Second Factor Authentication initiated")

    async def _on_push_approved(self, _: dict[str, Any]) -> None:
        self._push_closed()

    async def _on_push_denied(self, _: dict[str, Any]) -> None:
        self._push_closed()
        self._back_to_login()

    async def _on_push_missed(self, _: dict[str, Any]) -> None:
        self._push_closed()
        again = self._settings.option("ReloginAfterSecondFactorAuthenticationTimeout") == "yes"
        head = "Re-login after second factor authentication timeout"
        self._log.line(f"{head} in 5 second" if again else f"{head} not required")
        self._back_to_login()
        if again:
            await asyncio.sleep(RELOGIN_PAUSE)
            await self.autofill()

    def _push_closed(self) -> None:
        self._screen.close_dialog(PUSH[1])
        self._log.closed(PUSH)
        elapsed = dt.datetime.now(dt.UTC) - (self._started or dt.datetime.now(dt.UTC))
        self._log.line(f"Duration since login: {int(elapsed.total_seconds()) + 1} seconds")

    def _back_to_login(self) -> None:
        self._screen.splash("")
        self._log.closed(AUTHENTICATING)
        self._screen.show_login()
        self._log.focus(LOGIN)
        self.state = "LOGGED_OUT"

    def _splash_gone(self) -> None:
        self._screen.splash("")
        self._log.closed(AUTHENTICATING)

    async def _on_rejected(self, message: dict[str, Any]) -> None:
        self._splash_gone()
        text = "The username or password is incorrect."
        if message["dialog"] == "login-failed":
            self._screen.dialog(FAILED[1], text, ["OK"])
            self._log.event(FAILED, "Opened")
            self._log.line("Login failed")
            self._cold_restart()
        self._screen.dialog(REJECTED[1], text, ["OK"])
        self._log.focus(REJECTED)
        self._log.event(REJECTED, "Opened")
        self.state = "LOGGED_OUT"

    async def _on_locked(self, message: dict[str, Any]) -> None:
        self._splash_gone()
        minutes, seconds = divmod(int(message["seconds"]), 60)
        text = (
            f"Too many failed login attempts. Please wait {minutes} minutes & {seconds} seconds "
            "before attempting to re-login again."
        )
        self._screen.dialog(LOCKED[1], text, ["OK"])
        self._log.opened(LOCKED, text)
        self.state = "LOGGED_OUT"

    async def _on_token_expired(self, message: dict[str, Any]) -> None:
        self._splash_gone()
        style = message["dialog"]
        if style == "silent":
            self._screen.dialog(NOTICE[1], TOKENS, ["OK"])
            self._log.opened(NOTICE)
            return
        text = TOKENS if style == "dialog" else f"Connection to server failed: {TOKENS}"
        self._screen.dialog(NOTICE[1], text, ["OK"])
        self._log.event(NOTICE, "Opened")
        self._log.line(text)
        if style == "connection-failed":
            self._cold_restart()
        self._log.focus(NOTICE)
        self.state = "LOGGED_OUT"

    def _cold_restart(self) -> None:
        self._log.line("Cold restart in progress")
        self._log.line("Click button: OK")
        self._log.line("Login has not completed: exiting immediately")
        flag = self._settings.flags_dir / f"COLDRESTART{self._settings.session_id}"
        flag.touch()
        raise Exit(0)

    async def _on_existing(self, _: dict[str, Any]) -> None:
        self._existing("Reconnect This Session" if self._session else "Continue Login")

    def _existing(self, go_on: str) -> None:
        self._screen.dialog(
            EXISTING[1], "Another session has your user name.", [go_on, "Exit Application"]
        )
        self._log.event(EXISTING, "Opened")
        action = self._settings.option("ExistingSessionDetectedAction", "manual").lower()
        if action not in ("primary", "primaryoverride", "secondary", "manual"):
            head = "ExistingSessionDetectedAction has an invalid value"
            self._log.line(f"{head}: {action}: assuming 'secondary'")
            action = "secondary"
        text, button = self._choice(action, go_on)
        self._log.line(text)
        if button:
            self._log.line(f"Click button: {button}")
            self._existing_answered(go_on=button == go_on)
        else:
            self._log.focus(EXISTING)

    def _choice(self, action: str, go_on: str) -> tuple[str, str]:
        """IBC's line and the button it presses; none leaves the dialog to a person."""
        leave, logged_in = "Exit Application", self.state == "LOGGED_IN"
        if action == "manual":
            return "User must choose whether to continue with this session (scenario 1)", ""
        if action == "secondary":
            return "End this session and let the other session proceed (scenario 2)", leave
        if logged_in and action == "primary":
            return "Continue this session and let the other session exit (scenario 5)", go_on
        if logged_in:
            return "End this session and let the other session proceed (scenario 6)", leave
        if not self._taken_over:
            self._taken_over = True
            return (
                "Don't know the type of the other session, so continue this one (scenario 3)",
                go_on,
            )
        return (
            "Other session must be primary or primary override, so end this session and let the "
            "other one proceed (scenario 4)",
            leave,
        )

    def _existing_answered(self, *, go_on: bool) -> None:
        self._screen.close_dialog(EXISTING[1])
        self._log.closed(EXISTING)
        if not go_on:
            self._post({"type": "existing_answer", "go_on": False})
            self._api.close()
            raise Exit(0)
        if self.state == "LOGGED_IN":
            self._reconnect(take_over=True)
        else:
            self._post({"type": "existing_answer", "go_on": True})

    async def _on_logged_in(self, message: dict[str, Any]) -> None:
        self._session, self._token = message["session"], message["token"]
        again = self.state != "LOGGED_IN"
        await self._api.open(self._session)
        self._log.renamed(STARTING[1])
        self._screen.splash("")
        self._log.closed(STARTING)
        self.state = "LOGGED_IN"
        port = self._settings.api_port
        self._screen.show_main(
            f"Account: {message['account']}", f"API server: listening on {port}", "Connected"
        )
        if again:
            self._log.line("Login has completed")
        if self._settings.has_config_tasks and not self._configured:
            self._configure(message["account"])
        self._configured = True

    def _configure(self, account: str) -> None:
        paper = " (Simulated Trading)" if self._settings.mode == "paper" else ""
        window: Window = ("dialog", f"{account} Trader Workstation Configuration{paper}")
        kept, log = remembered(self._folder()), self._log
        log.event(window, "Opened")
        log.line("Got config dialog from future")
        wanted = self._settings.option("ReadOnlyApi").lower()
        read_only = kept.read_only
        if wanted:
            log.line("Setting ReadOnlyApi")
            read_only = wanted in ("yes", "true")
            verb = "already" if read_only == kept.read_only else "now"
            log.line(f"Read-Only API checkbox is {verb} set to: {str(read_only).lower()}")
        time = self.set_restart_time(kept.restart_time)
        remember(self._folder(), Remembered(read_only, time))
        log.focus(window)
        log.line("Configuration tasks completed")
        log.line("Click button: OK")
        log.closed(window)

    def set_restart_time(self, old: str) -> str:
        """IBC's lines about AutoRestartTime; what is then set."""
        wanted = self._settings.option("AutoRestartTime")
        if not wanted:
            return old
        self._log.line("Setting Auto restart time")
        if not self._settings.restart_time:
            self._log.fault(
                "Auto restart time setting must be hh:mm AM or hh:mm PM, "
                'for example "09:30 AM" or "04:00 PM"'
            )
            return old
        if old == wanted:
            self._log.line(f"Auto restart time already set to {wanted}")
        elif old:
            self._log.line(f"Auto restart time changed from {old} to {wanted}")
        else:
            self._log.line(f"Auto restart time set to {wanted}")
        return wanted

    async def _on_kicked(self, message: dict[str, Any]) -> None:
        if message["style"] == "existing":
            self._existing("Reconnect This Session")
        elif message["style"] == "silent":
            self._connecting()
        else:
            text = "Your session has been disconnected by another login."
            self._screen.dialog(RELOGIN[1], text, ["Re-login", "Exit"])
            self._log.event(RELOGIN, "Opened")
            self._log.line("Re-login to session")
            self._log.line("Click button: Re-login")
            self._screen.close_dialog(RELOGIN[1])
            self._log.closed(RELOGIN)
            self.state = "LOGGING_IN"
            self._reconnect(take_over=False)

    def _reconnect(self, *, take_over: bool) -> None:
        self._connecting()
        self._ask({"kind": "relogin", "take_over": take_over})

    def _connecting(self) -> None:
        self._screen.splash("Connecting to server...")
        self._screen.show_main("Connecting to server...")
        self._log.opened(CONNECTING)

    async def _on_link(self, message: dict[str, Any]) -> None:
        if not message["up"]:
            self._connecting()
            return
        self._connected_again()

    async def _on_restored(self, _: dict[str, Any]) -> None:
        """A session taken silently is back; after a re-login `logged_in` says the same."""
        if self.state == "LOGGED_IN":
            self._connected_again()

    def _connected_again(self) -> None:
        self._log.renamed(STARTING[1])
        self._screen.splash("")
        self._log.closed(STARTING)
        self._screen.show_main(f"API server: listening on {self._settings.api_port}", "Connected")

    async def _on_line(self, message: dict[str, Any]) -> None:
        """The line to IBKR itself: its loss ends the session, as a network loss for long does."""
        if not message["up"] and self._session:
            self._api.close()
            self._connecting()
        elif message["up"] and self._session:
            self._session = ""
            self.state = "LOGGING_IN"
            self._ask({"kind": "token", "token": self._token})

    async def _on_auto_restart(self, _: dict[str, Any]) -> None:
        await self.restart()

    async def restart(self) -> None:
        """The Gateway's own restart: the token is left for the next start."""
        self._screen.dialog(RESTART[1], "Restarting...", [])
        self._log.opened(RESTART)
        self._api.close()
        autorestart.leave(self._folder(), self._token)
        self._post({"type": "logout"})
        await self._pause()
        raise Exit(0)

    async def button(self, title: str, label: str) -> None:
        """A person pressed a dialog's button."""
        if title == EXISTING[1]:
            self._existing_answered(go_on=label != "Exit Application")
            return
        kind: Window = ("dialog", title)
        self._screen.close_dialog(title)
        self._log.closed(kind)
        if kind in (REJECTED, LOCKED, NOTICE):
            self._screen.show_login()
            self._log.focus(LOGIN)

    def _folder(self) -> Any:
        return user_folder(self._settings.settings_dir, self._user)

    async def _pause(self) -> None:
        await asyncio.sleep(self._settings.pause)
