"""Everything that can go wrong in the executor, as one tree.

ExecutorError
├── StartRefusedError      the process must not run: the message tells what to do
├── LedgerUnavailableError  the ledger can't be written now: a full disk, a volume gone read-only
│   └── LedgerChangedError   it does not hold what this process wrote: the process is to end
├── BackupError            a copy of the ledger can't be made or is none
├── IllegalMoveError       an order was asked to take a step its state forbids
├── OrderRefusedError      an order request is refused: HTTP status, code, message
├── TargetsError           targets could not be fetched, or are none
└── BrokerError
    ├── NotConnectedError  no connection to the gateway, or it broke
    ├── NoAnswerError      a request was not answered in time
    ├── ClientIdInUseError another program uses the client id (326)
    ├── RequestRefusedError  the gateway refused a request: code and text
    └── AccountUnavailableError  an account's values are not valid yet, or one or a position is missing
"""


class ExecutorError(Exception):
    """Root of the tree."""


class StartRefusedError(ExecutorError):
    """The executor must not run like this; the message says what to do."""


class LedgerUnavailableError(ExecutorError):
    """The ledger can't be read or written just now. Nothing was changed; the same may be tried again."""


class LedgerChangedError(LedgerUnavailableError):
    """The ledger does not hold what this process wrote: it is to end, and its successor reads what is there."""


class BackupError(ExecutorError):
    """A copy of the ledger can't be made, or is none; the message says what to do."""


class IllegalMoveError(ExecutorError):
    """A step that the order's state forbids."""


class OrderRefusedError(ExecutorError):
    """An order request that is refused, with its HTTP status and a code for programs; `rebalance` is the id of one that is in its way."""

    def __init__(self, status: int, code: str, message: str, *, rebalance: str = "") -> None:
        super().__init__(message)
        self.rebalance = rebalance
        self.status = status
        self.code = code
        self.message = message


class TargetsError(ExecutorError):
    """A source of targets did not answer, or with what can't be used; never says a token."""


class BrokerError(ExecutorError):
    """The broker could not be asked, or did not answer as hoped."""


class NotConnectedError(BrokerError):
    """There is no connection, or it broke."""


class NoAnswerError(BrokerError):
    """No answer within the time limit: nothing may be concluded from it."""


class ClientIdInUseError(BrokerError):
    """326: another connection holds this client id."""


class AccountUnavailableError(BrokerError):
    """IBKR says that an account's values are not valid yet, or has left out one, or a position, that counts."""


class RequestRefusedError(BrokerError):
    """The gateway refused a request."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text
