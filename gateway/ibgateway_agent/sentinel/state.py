"""What is known of the gateway now. The loop writes it; the API monitor and the process stop read it."""

from dataclasses import dataclass

from ibgateway_agent.sentinel.log.login_fold import LoginFold
from ibgateway_agent.sentinel.log.wrapper_state import WrapperStage, WrapperState
from ibgateway_agent.sentinel.settings import SentinelEnvironment, api_port
from ibgateway_api.accounts import account_problem
from ibgateway_api.login import Login
from ibgateway_api.settings import SentinelSettings


@dataclass
class GatewayState:
    """The login as folded, the wrapper as last seen (None before its first start), the settings."""

    environment: SentinelEnvironment
    settings: SentinelSettings
    fold: LoginFold
    wrapper: WrapperState | None = None

    @property
    def login(self) -> Login:
        """The login state."""
        return self.fold.login

    @property
    def waiting(self) -> bool:
        """Whether a start of the container waits for a permit, and lives."""
        wrapper = self.wrapper
        return wrapper is not None and wrapper.stage is WrapperStage.WAITING and wrapper.alive

    @property
    def start(self) -> str:
        """The name of the container's start; empty before the first one."""
        return self.wrapper.start if self.wrapper is not None else ""

    @property
    def running(self) -> bool:
        """Whether the wrapper has started run.sh and it has not ended."""
        return self.wrapper is not None and self.wrapper.stage is WrapperStage.RUNNING

    @property
    def token_at_hand(self) -> bool:
        """Whether the next start may be one by token."""
        return self.wrapper is not None and self.wrapper.token_at_hand

    @property
    def api_may_answer(self) -> bool:
        """Whether log or wrapper tell of a process: worth a probe."""
        return self.login.running or self.running

    @property
    def api_port(self) -> int:
        """The API's port behind socat."""
        return api_port(self.environment, self.settings)

    def account_problem(self, accounts: tuple[str, ...]) -> str:
        """What is wrong with the accounts of a login, in words; empty when nothing is."""
        settings = self.settings
        return account_problem(settings.trading_mode, accounts, settings.expected_accounts)
