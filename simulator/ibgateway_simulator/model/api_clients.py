"""Who an API client is: a frozen value."""

from dataclasses import dataclass

NOT_STARTED = -1


@dataclass(frozen=True, slots=True)
class ApiClientIdentity:
    """A connection's number, its gateway's session and accounts, and what the client has said.

    `account` is the first of `accounts`. `version` is 0 until the handshake, `client_id` is -1 until startApi.
    """

    number: int
    session_id: str
    account: str
    version: int = 0
    client_id: int = NOT_STARTED
    further_accounts: tuple[str, ...] = ()

    @property
    def accounts(self) -> tuple[str, ...]:
        """Every account of the login."""
        return (self.account, *self.further_accounts)

    @property
    def started(self) -> bool:
        """Whether startApi has come."""
        return self.client_id != NOT_STARTED
