"""What a gateway process reacts to, one at a time: clicks, buttons, IBKR's messages, due times."""

import asyncio
from dataclasses import dataclass, field

from ibgateway_simulator.gateway.settings import ApiSettings
from ibgateway_simulator.ibkr.gateway_messages import GatewayMessage


@dataclass(frozen=True, slots=True)
class LoginPressed:
    """Somebody pressed the login button; IBC's own click is one too."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ButtonPressed:
    """A person pressed a dialog's button."""

    title: str
    label: str


@dataclass(frozen=True, slots=True)
class SettingsRequested:
    """A person chose Configure > Settings."""


@dataclass(frozen=True, slots=True)
class SettingsApplied:
    """A person pressed OK or Apply there."""

    chosen: ApiSettings


@dataclass(frozen=True, slots=True)
class SettingsClosed:
    """A person pressed OK or Cancel there."""


@dataclass(frozen=True, slots=True)
class NoticeReceived:
    """IBKR said something."""

    message: GatewayMessage


@dataclass(frozen=True, slots=True)
class LineChanged:
    """The line to IBKR itself came up or broke."""

    up: bool


@dataclass(frozen=True, slots=True)
class AutofillDue:
    """IBC tries again after a missed push or a lock."""


@dataclass(frozen=True, slots=True)
class ExitDue:
    """The time that IBC gives the rest of a login after its push is over."""


@dataclass(frozen=True, slots=True)
class RestartDue:
    """The time of a restart has come."""


@dataclass(frozen=True, slots=True)
class RestartTimeSet:
    """RESTART or PAUSE has set another restart time, `hh:mm AM|PM`."""

    time: str


@dataclass(frozen=True, slots=True)
class StopRequested:
    """IBC's command STOP."""


SettingsInput = SettingsRequested | SettingsApplied | SettingsClosed
GatewayInput = (
    LoginPressed
    | ButtonPressed
    | SettingsInput
    | NoticeReceived
    | LineChanged
    | AutofillDue
    | ExitDue
    | RestartDue
    | RestartTimeSet
    | StopRequested
)


class GatewayInputs:
    """The queue of inputs: whatever makes them puts them here, one task takes them."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[GatewayInput] = asyncio.Queue()

    def put(self, item: GatewayInput) -> None:
        """Add an input."""
        self._queue.put_nowait(item)

    def later(self, seconds: float, item: GatewayInput) -> None:
        """Add an input after a while."""
        asyncio.get_running_loop().call_later(seconds, self.put, item)

    async def next(self) -> GatewayInput:
        """The next input, in the order in which they came."""
        return await self._queue.get()
