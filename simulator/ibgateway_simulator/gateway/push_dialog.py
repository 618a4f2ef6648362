"""The dialog of a push, and what IBC makes of it when it opens and closes.

IBC says "initiated" when its own state changes, so never for the second push in a row that it has
not asked for itself. It counts from its own attempt, a second time only from its next one, and takes
whatever closes later than three minutes for a missed push.
"""

import datetime as dt
from collections.abc import Callable

from ibgateway_simulator.gateway.ibc_log import IbcLog
from ibgateway_simulator.gateway.inputs import AutofillDue, ExitDue, GatewayInput
from ibgateway_simulator.gateway.protocols import ExitProcess, GatewayScreen
from ibgateway_simulator.gateway.settings import GatewaySettings
from ibgateway_simulator.gateway.windows import PUSH
from ibgateway_simulator.ibkr.gateway_messages import GatewayMessage, GatewayRequest, request

STALLED = "IBC closing because login has not completed after Second Factor Authentication"
STALLED_CODE = 1111
NO_DEVICE = (
    "You should specify the required second factor device using the SecondFactorDevice setting in "
    "config.ini"
)
RELOGIN_PAUSE = 5.0


class PushDialog:
    """IBC's part.

    `post` sends IBKR a message, `later` brings an input back after some seconds, `now` gives the time.
    """

    def __init__(
        self,
        settings: GatewaySettings,
        log: IbcLog,
        screen: GatewayScreen,
        *,
        post: Callable[[GatewayMessage], None],
        later: Callable[[float, GatewayInput], None],
        now: Callable[[], dt.datetime],
    ) -> None:
        self._settings = settings
        self._log = log
        self._screen = screen
        self._post = post
        self._later = later
        self._now = now
        self._said = False
        self._since: dt.datetime | None = None
        self._exits = False
        self.tries_again = settings.option("ReloginAfterSecondFactorAuthenticationTimeout") == "yes"

    def attempted(self) -> None:
        """IBC itself asks for a login; one that a person types is none of its business."""
        self._said = False
        self._since = self._since or self._now()

    def completed(self) -> None:
        """The login has completed."""
        self._said = self._exits = False

    async def devices(self, message: GatewayMessage) -> None:
        """IBKR asks which device gets the push; IBC picks the one it was told, or leaves it."""
        devices, wanted = list(message["devices"]), self._settings.option("SecondFactorDevice")
        self._screen.dialog(PUSH.title, "Select second factor device", devices)
        self._log.opened(PUSH)
        if not wanted:
            self._log.fault(NO_DEVICE)
        elif wanted not in devices:
            self._log.fault(f"could not find second factor device '{wanted}' in the list")
        else:
            self._log.line("Click button: OK")
            self.chosen(wanted)

    def chosen(self, device: str) -> None:
        """IBC or a person has chosen a device: to IBC the dialog closes like any other."""
        self.closed(missed=False)
        self._post(request(GatewayRequest.DEVICE, device=device))

    async def sent(self, _: GatewayMessage) -> None:
        """A push is on the phone."""
        text = "Check your phone: a notification has been sent to IBKR Mobile."
        self._screen.dialog(PUSH.title, text, [])
        if self._said:
            self._log.opened(PUSH)
            return
        self._log.opened(PUSH, "Second Factor Authentication initiated")
        self._said = True
        self._since = self._since or self._now()

    def closed(self, *, missed: bool) -> None:
        """The push has been answered or missed."""
        self._screen.close_dialog(PUSH.title)
        self._log.closed(PUSH)
        if self._since is None:
            return
        elapsed = int((self._now() - self._since).total_seconds())
        self._since = None
        self._log.line(f"Duration since login: {elapsed} seconds")
        limit = int(self._settings.option("SecondFactorAuthenticationTimeout", "180"))
        if missed or elapsed >= limit:
            self._missed()
        elif self.tries_again:
            self._answered()

    def withdrawn(self) -> None:
        """IBKR can't be reached any more: the dialog goes without a word of IBC."""
        self._screen.close_dialog(PUSH.title)

    def stalled(self) -> None:
        """The time for the rest of the login is over."""
        if self._exits:
            self._log.fault(STALLED)
            self._log.line(f"Exiting after error with exit code={STALLED_CODE}")
            raise ExitProcess(STALLED_CODE % 256)

    def _missed(self) -> None:
        head = "Re-login after second factor authentication timeout"
        self._log.line(f"{head} in 5 second" if self.tries_again else f"{head} not required")
        if self.tries_again:
            self._later(RELOGIN_PAUSE, AutofillDue())

    def _answered(self) -> None:
        seconds = int(self._settings.option("SecondFactorAuthenticationExitInterval", "60"))
        self._exits = True
        self._log.line(f"If login has not completed, IBC will exit in {seconds} seconds")
        self._later(seconds, ExitDue())
