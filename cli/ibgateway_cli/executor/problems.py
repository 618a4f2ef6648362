"""The executor's errors as a person hears them: one sentence, and the next step. Pure."""

from collections.abc import Mapping
from typing import Final

from ibgateway.client import ClientError, ProblemError
from ibgateway_cli.errors import ExitCode, PluginError
from ibgateway_cli.executor.cells import words

ASK_THE_PROGRAM: Final = "ask that program: orders, queue, pause and rebalances are the executor's"
LOOK: Final = "kubectl ibgateway doctor looks at what is in the way"
_CORRECT: Final = "correct it and ask again: nothing was stored"
_AGAIN: Final = "ask again in a moment"
_REPORT: Final = "report it with the executor's log; kubectl ibgateway orders shows what was stored"

NEXT_STEPS: Final[Mapping[str, str]] = {
    "MalformedRequest": _REPORT,
    "IdempotencyKeyMissing": _REPORT,
    "IdempotencyKeyInvalid": "give --key 1 to 255 visible ASCII characters",
    "Unauthorized": "ask again: the Secret's token is new, and the executor reads it within a minute or two",
    "NoSuchOrder": "kubectl ibgateway orders lists them",
    "NoSuchRebalance": "kubectl ibgateway rebalances lists them",
    "NoSuchPath": "upgrade the executor: it knows less than this plugin",
    "MethodNotAllowed": "upgrade the executor: it knows less than this plugin",
    "RequestTimeout": _AGAIN,
    "CannotCancel": "kubectl ibgateway history shows what became of it",
    "CannotReplace": "kubectl ibgateway history shows what became of it",
    "CannotResolve": "kubectl ibgateway history shows what became of it",
    "RebalanceActive": "kubectl ibgateway rebalances ID --follow shows its end, cancel ID ends it: nothing was stored",
    "RequestInFlight": "ask again with the same --key in a second",
    "LengthRequired": _REPORT,
    "TooLarge": "make the file smaller: a request has at most 64 KiB",
    "UnsupportedMediaType": _REPORT,
    "UnknownHost": _REPORT,
    "InvalidRequest": _CORRECT,
    "IdempotencyKeyReused": "leave --key out for a new order, or repeat exactly what this key was used for: nothing was sent",
    "UnknownAccount": "name another one with --account: nothing was stored",
    "UnknownContract": "name it by --conid, or in a file by conId: nothing was stored",
    "ForeignCurrency": "take it out of the targets, or exclude it: nothing was stored",
    "NoPrice": "allow delayed prices or give them, in the file: nothing was stored",
    "ValidityEnded": "give a later --valid-until: nothing was stored",
    "OrderValueLimit": "make it smaller, or raise spec.executor.limits.maxOrderValue: nothing was stored",
    "SymbolNotAllowed": "add it to spec.executor.limits.allowedSymbols: nothing was stored",
    "PriceCollar": "check the price, or raise spec.executor.limits.priceCollarPercent: nothing was stored",
    "DailyOrderLimit": "raise spec.executor.limits.maxOrdersPerDay, or wait for tomorrow: nothing was stored",
    "TooManyRequests": _AGAIN,
    "HeadersTooLarge": _REPORT,
    "InternalError": _REPORT,
    "UnknownEvent": "ask again without where to begin: the ledger may have been restored",
    "TooManyStreams": "close one of the watches that run",
    "BrokerUnavailable": "kubectl ibgateway queue says why IBKR can't be asked now",
    "LedgerUnavailable": "free or enlarge the ledger's volume, or bring its database back, then ask again",
}
"""By the problem's code."""

_EXIT_CODES: Final[Mapping[int, ExitCode]] = {
    401: ExitCode.NOT_ALLOWED,
    404: ExitCode.NOT_FOUND,
    502: ExitCode.UNREACHABLE,
    503: ExitCode.UNREACHABLE,
    504: ExitCode.UNREACHABLE,
}


def plugin_error(error: ClientError) -> PluginError:
    """What the executor has answered, or that it has not."""
    if not isinstance(error, ProblemError):
        return PluginError(
            f"the executor does not answer: {sentence(str(error))}", LOOK, ExitCode.UNREACHABLE
        )
    problem = error.problem
    if problem.code not in NEXT_STEPS:
        said = problem.detail or f"HTTP {problem.status}"
        return PluginError(
            f"something between here and the executor answers: {sentence(said)}",
            LOOK,
            ExitCode.UNREACHABLE,
        )
    parts = [part for part in (problem.title, problem.detail) if part]
    code = _EXIT_CODES.get(problem.status, ExitCode.REFUSED)
    return PluginError(sentence(": ".join(parts)), NEXT_STEPS[problem.code], code)


def sentence(text: str) -> str:
    """One line without its full stop; nothing of it moves a cursor."""
    return " ".join(words(text).plain.split()).rstrip(".")
