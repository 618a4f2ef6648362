"""How the copies of the ledger do: what a scrape and the operator are told."""

from datetime import datetime, timedelta
from typing import Final

GRACE: Final = timedelta(hours=1)
"""So much older than it should be a copy may be before anybody is told: a large one takes a while, and a restart in it."""


class BackupRecord:
    """`every` is how often a copy is to be taken; None: none are. `since`: the executor's start."""

    def __init__(self, every: timedelta | None = None, since: datetime | None = None) -> None:
        self.every = every
        self._since = since
        self.newest: datetime | None = None
        """When the newest whole copy was taken; None where none has been seen."""
        self._failure = ""

    def made(self, newest: datetime | None) -> None:
        """The newest whole copy, after a look or an attempt that went well."""
        self.newest, self._failure = newest, ""

    def failed(self, why: str) -> None:
        """A copy could not be taken, or the folder not be looked at."""
        self._failure = why

    def problem(self, now: datetime) -> str:
        """Why there is no copy as new as there should be; empty where there is one, or none is to be taken."""
        if self.every is None or self._failure:
            return self._failure
        if self.newest is None and self._since is not None and now - self._since > GRACE:
            return f"no copy of the ledger was seen or taken since {self._since.isoformat()}: see that its folder answers"
        if self.newest is not None and now - self.newest > self.every + GRACE:
            return (
                f"the newest copy of the ledger is of {self.newest.isoformat()}, and one is due every {self.every.total_seconds() / 3600:g} hours: "
                "see that its folder answers"
            )
        return ""
