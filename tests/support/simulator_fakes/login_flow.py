"""A login flow whose windows, IBKR and API port are written down instead of shown or sent."""

import datetime as dt
import io
import re
from pathlib import Path
from typing import Any

from ibgateway_simulator.gateway.ibc_log import IbcLog
from ibgateway_simulator.gateway.inputs import GatewayInput
from ibgateway_simulator.gateway.login_flow import LoginFlow
from ibgateway_simulator.gateway.settings import ApiSettings, GatewaySettings, gateway_settings
from simulator_fakes.clock import HeldClock

ACCOUNT = {"type": "logged_in", "session": "s1", "account": "DU1234567", "token": "t1"}
START = dt.datetime(2026, 11, 20, 17, 0, 0, 123456, tzinfo=dt.UTC)
STAMP = re.compile(r"2026-11-20 \d\d:\d\d:\d\d:123 IBC: ")


class WrittenLog(IbcLog):
    """IBC's log in memory."""

    def __init__(self, clock: HeldClock) -> None:
        self._written = io.StringIO()
        super().__init__(self._written, clock.now)

    def printed(self) -> list[str]:
        """What was printed since the last call, as it was."""
        printed = self._written.getvalue().splitlines()
        self._written.seek(0)
        self._written.truncate()
        return printed

    def lines(self) -> list[str]:
        """What was printed since the last call, without time stamps."""
        return [STAMP.sub("", line) for line in self.printed()]


class FakeScreen:
    """Notes what is shown in `did`; `clicks` counts IBC's presses of the login button."""

    def __init__(self, did: list[str]) -> None:
        self.clicks = 0
        self._did = did

    def show_login(self) -> None:
        self._did.append("login window")

    def fill(self, user: str, password: str) -> None:
        self._did.append(f"fill {user} {password}")

    def press_login(self) -> None:
        self.clicks += 1

    def splash(self, text: str) -> None:
        self._did.append(f"splash {text}")

    def dialog(self, title: str, text: str, buttons: list[str]) -> None:
        self._did.append(f"dialog {title} {buttons}")

    def close_dialog(self, title: str) -> None:
        self._did.append(f"close {title}")

    def settings(self, title: str, shown: ApiSettings) -> None:
        self._did.append(f"settings {title} {shown}")

    def close_settings(self) -> None:
        self._did.append("settings closed")

    def show_main(self, *lines: str) -> None:
        self._did.append("main window")


class FakeApiPort:
    """Notes in `did` when the port opens and closes."""

    def __init__(self, did: list[str]) -> None:
        self._did = did

    async def open(self, session: str) -> None:
        self._did.append(f"api open {session}")

    def close(self) -> None:
        self._did.append("api closed")


def settings_in(folder: Path, *, restart: str = "", **options: str) -> GatewaySettings:
    """Settings from a config.ini with these options, in a folder of the test's own."""
    given = {"IbLoginId": "paperuser", "IbPassword": "pw", "TradingMode": "paper"}
    ini = folder / "config.ini"
    ini.write_text("".join(f"{k}={v}\n" for k, v in {**given, **options}.items()))
    words = [str(ini), *([f"-Drestart={restart}"] if restart else [])]
    environ = {
        "TWS_SETTINGS_PATH": str(folder),
        "IBC_FLAGS": str(folder),
        "IBC_SESSION_ID": "x",
        "SIMULATOR_WINDOW_SECONDS": "0",
    }
    return gateway_settings(words, environ)


class FlowRun:
    """A LoginFlow with everything around it written down."""

    def __init__(self, folder: Path, *, restart: str = "", **options: str) -> None:
        self.posted: list[dict[str, Any]] = []
        self.did: list[str] = []
        self.delayed: list[tuple[float, GatewayInput]] = []
        self.clock = HeldClock(START)
        self.screen = FakeScreen(self.did)
        self._log = WrittenLog(self.clock)
        self.flow = LoginFlow(
            settings_in(folder, restart=restart, **options),
            self._log,
            screen=self.screen,
            api=FakeApiPort(self.did),
            post=self.posted.append,
            later=self._later,
            now=self.clock.now,
        )

    def lines(self) -> list[str]:
        """What was printed since the last call, without time stamps."""
        return self._log.lines()

    def printed(self) -> list[str]:
        """What was printed since the last call, as it was."""
        return self._log.printed()

    async def log_in(self) -> None:
        """Start and press the button; what is printed until then is dropped."""
        await self.flow.begin()
        await self.flow.clicked("paperuser", "pw")
        self.lines()

    async def logged_in(self) -> None:
        """Log in to the end; nothing of it is kept."""
        await self.log_in()
        await self.flow.receive(ACCOUNT)
        self.lines()
        self.did.clear()
        self.posted.clear()

    def _later(self, seconds: float, item: GatewayInput) -> None:
        self.delayed.append((seconds, item))
