"""Whether this process is still the only one that writes a ledger in a shared database.

A lock that a session holds ends with the session, and a database may be put back: whoever went on then would write beside somebody
else, or from what is not stored any more. So each transaction replaces a word that only the last one can know.
"""

import secrets
from typing import Final

from ibgateway_executor.errors import LedgerChangedError
from ibgateway_executor.ledger import tables
from ibgateway_executor.ledger.facts import FENCE, fact, set_fact
from ibgateway_executor.ledger.session import LedgerSession

_PASS: Final = (
    f"UPDATE {tables.facts.name} SET value = ? WHERE name = '{FENCE}' AND value = ? RETURNING name"  # noqa: S608 - our own names
)


class LedgerFence:
    """One process's way through its transactions; each has a number."""

    def __init__(self) -> None:
        self._holder = ""
        self._number = 0

    @property
    def taken(self) -> bool:
        """Whether this process has had it."""
        return bool(self._holder)

    def take(self, session: LedgerSession) -> None:
        """With the lock, in a transaction: from its commit on nobody else's transactions commit.

        LedgerChangedError where this process had it already and the database says otherwise.
        """
        if self._holder:
            if fact(session, FENCE) != self._word(0):
                raise _changed()
            return
        self._holder = secrets.token_hex(16)
        set_fact(session, FENCE, self._word(0))

    def check(self, session: LedgerSession) -> None:
        """In a transaction: LedgerChangedError where it isn't the next one. Others wait for its end."""
        if session.execute(_PASS, (self._word(1), self._word(0))).fetchone() is None:
            raise _changed()

    def passed(self) -> None:
        """That transaction has been committed."""
        self._number += 1

    def dropped(self) -> None:
        """What `take` began was not committed."""
        self._holder, self._number = "", 0

    def _word(self, further: int) -> str:
        return f"{self._holder}:{self._number + further}"


def _changed() -> LedgerChangedError:
    return LedgerChangedError(
        "the database holds another ledger than this executor wrote: another executor has it, or it was put back, or the last "
        "transaction's end was not heard of; the executor starts anew and reads what is there"
    )
