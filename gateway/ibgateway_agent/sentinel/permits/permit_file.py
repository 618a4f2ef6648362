"""The one-time permit and what else the sentinel writes for the wrapper, in the run directory.

The directory outlives the container and a reboot of the node, so every file names the start of the
wrapper that it is meant for, and a permit says until when.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from ibgateway_agent.sentinel.log.run_dir import run_file
from ibgateway_agent.sentinel.permits.decide import GivePermit
from ibgateway_api.reports import TradingPause

PERMIT_LIVES_FOR: Final = timedelta(seconds=30)
"""A wrapper that waits takes its permit within half a second; one that was held up asks anew."""


@dataclass(frozen=True)
class PermitFile:
    """Writes aside and renames, so that the wrapper never reads half a file."""

    run_dir: Path

    def permit(self, number: int, step: GivePermit, start: str, now: datetime) -> None:
        """One start of `run.sh`, by the wrapper's start of that name."""
        values = {
            "id": number,
            "kind": step.kind,
            "existingSession": step.session,
            "start": start,
            "given": int(now.timestamp()),
            "expires": int((now + PERMIT_LIVES_FOR).timestamp()),
        }
        self._place("permit", "".join(f"{key}={value}\n" for key, value in values.items()))

    def on_its_way(self, start: str) -> bool:
        """Whether a permit lies ready for that start, or was taken by it."""
        return any(
            _values(run_file(self.run_dir, name)).get("start") == start
            for name in ("permit", "permit.taken")
        )

    def remove_stale(self, start: str, now: datetime) -> bool:
        """Take back a permit that nobody may use any more; True where there was one."""
        path = run_file(self.run_dir, "permit")
        if not path.exists() or _holds(_values(path), start, now):
            return False
        path.unlink(missing_ok=True)
        return True

    def drop_token(self, start: str) -> None:
        """Have the wrapper remove the token's file: it is of no use any more."""
        self._place("drop-token", start)

    def token_dropped(self) -> bool:
        """Whether the wrapper has done so."""
        return not (self.run_dir / "drop-token").exists()

    def may_pause(self, start: str) -> None:
        """Tell the preStop hook whether the process of that start may be ended so that its token stays; empty: none."""
        path = self.run_dir / "may-pause"
        if start:
            self._place("may-pause", start)
        else:
            path.unlink(missing_ok=True)

    def keep_pause(self, pause: TradingPause | None) -> None:
        """Remember a person's pause of trading beside the ledger; None: it is over."""
        if pause is None:
            (self.run_dir / "paused").unlink(missing_ok=True)
        else:
            self._place("paused", f"id={pause.id}\nsince={pause.since.isoformat()}\n")

    def kept_pause(self) -> TradingPause | None:
        """The pause that is remembered; a file that tells nothing is one too."""
        path = self.run_dir / "paused"
        if not path.exists():
            return None
        try:
            return TradingPause.model_validate(_values(path))
        except ValidationError:
            changed = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            return TradingPause(id=f"unreadable {changed.isoformat()}", since=changed)

    def stop(self, start: str) -> None:
        """Have the wrapper end its process; `start` names the wrapper's start that is meant."""
        self._place("stop", start)

    def _place(self, name: str, text: str) -> None:
        aside = self.run_dir / f"{name}.new"
        aside.write_text(text)
        aside.replace(self.run_dir / name)


def _holds(permit: dict[str, str], start: str, now: datetime) -> bool:
    """Young enough by a clock that may have been set back."""
    times = permit.get("given", ""), permit.get("expires", "")
    if permit.get("start") != start or not all(time.isdigit() for time in times):
        return False
    given, expires = (int(time) for time in times)
    return given - 2 <= now.timestamp() < expires


def _values(path: Path) -> dict[str, str]:
    """The `key=value` lines of a file; none for one that is missing or torn."""
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError):
        return {}
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
