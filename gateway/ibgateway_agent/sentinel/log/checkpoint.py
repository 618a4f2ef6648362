"""The sentinel's memory across its own restarts: the login as folded, and how far the log was read.

A checkpoint belongs to one run directory (an emptyDir, so one pod). In another pod only the week's
full authentication survives: its token may still start a process without a push. Of a gateway of the
other trading mode nothing counts.
"""

import json
import logging
import os
from dataclasses import fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from ibgateway_agent.sentinel.log.ibc_log import Grammar
from ibgateway_agent.sentinel.log.login_fold import LoginFold, resumed
from ibgateway_agent.sentinel.log.tail import LogPosition
from ibgateway_api.accounts import TradingMode
from ibgateway_api.login import Login, LoginState, unknown

logger = logging.getLogger(__name__)


class Checkpoint:
    """One small file in the state directory, replaced as a whole."""

    def __init__(self, path: Path, run: str, mode: TradingMode = TradingMode.PAPER) -> None:
        self._path = path
        self._run = run
        self._mode = mode

    def save(self, fold: LoginFold, position: LogPosition) -> None:
        """Keep the fold as of `position`."""
        document = {
            "run": self._run,
            "mode": self._mode,
            "place": vars(position),
            "login": vars(fold.login),
            "grammar": vars(fold.grammar),
            "permit": fold.attempt,
            "back": fold.back,
            "startsOver": fold.starts_over,
            "started": fold.started,
        }
        aside = self._path.with_suffix(".new")
        with aside.open("w") as file:
            file.write(json.dumps(document, default=_text))
            file.flush()
            os.fsync(file.fileno())
        aside.replace(self._path)

    def ran_before(self) -> bool:
        """Whether a gateway has had a permit on this volume: a missing attempt ledger was lost."""
        try:
            document = json.loads(self._path.read_text())
            return "mode" in document or _has_begun(document)
        except FileNotFoundError:
            return False
        except (OSError, ValueError, KeyError, TypeError):
            return True

    def load(self, now: datetime) -> tuple[LoginFold, LogPosition]:
        """Where the last sentinel stood; the log's beginning where nothing usable is kept."""
        try:
            document = json.loads(self._path.read_text())
            login = _login(document["login"])
            if document.get("mode", self._mode) != self._mode:
                return _nothing_known(now), LogPosition()
            if document["run"] != self._run:
                fresh = replace(unknown(now), full_auth_time=login.full_auth_time)
                return LoginFold(fresh), LogPosition()
            fold = LoginFold(
                login,
                Grammar(**document["grammar"]),
                document["permit"],
                document["back"],
                _time(document.get("startsOver")),
                int(document.get("started", 0)),
            )
            return resumed(fold, now), LogPosition(**document["place"])
        except FileNotFoundError:
            return _nothing_known(now), LogPosition()
        except (OSError, ValueError, KeyError, TypeError) as error:
            logger.warning("the checkpoint is of no use and the log is read anew: %r", error)
            return _nothing_known(now), LogPosition()


def _has_begun(document: dict[str, Any]) -> bool:
    """By a checkpoint of a version that kept no ledger before the first attempt."""
    login = _login(document["login"])
    waits = login.state in (LoginState.UNKNOWN, LoginState.WAITING_FOR_PERMIT)
    return bool(document["permit"]) or login.full_auth_time is not None or not waits


def _nothing_known(now: datetime) -> LoginFold:
    """A login whose beginning the log no longer shows counts for no week: it may be a token's."""
    return LoginFold(replace(unknown(now), by_token=True))


def _time(text: str | None) -> datetime | None:
    """A time of an older checkpoint may be missing."""
    return None if text is None else datetime.fromisoformat(text)


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value)} has no place in a checkpoint")


def _login(document: dict[str, Any]) -> Login:
    """The login from its JSON; fields of a newer writer are ignored."""
    known = {f.name for f in fields(Login)}
    values = {key: value for key, value in document.items() if key in known}
    for key in ("since", "deadline", "full_auth_time", "dialog_since", "completed", "shown"):
        if values.get(key) is not None:
            values[key] = datetime.fromisoformat(values[key])
    values["state"] = LoginState(values["state"])
    for key in ("accounts", "dialogs"):
        values[key] = tuple(values.get(key, ()))
    return Login(**values)
