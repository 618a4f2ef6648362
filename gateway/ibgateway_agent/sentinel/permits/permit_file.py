"""The one-time permit and the stop file: what the sentinel writes for the wrapper, in the run directory."""

from dataclasses import dataclass
from pathlib import Path

from ibgateway_agent.sentinel.permits.decide import SessionAction
from ibgateway_api.permits import PermitKind


@dataclass(frozen=True)
class PermitFile:
    """Writes aside and renames, so that the wrapper never reads half a file."""

    run_dir: Path

    def permit(self, number: int, kind: PermitKind, session: SessionAction) -> None:
        """One start of `run.sh`."""
        self._place("permit", f"id={number}\nkind={kind}\nexistingSession={session}\n")

    def on_its_way(self) -> bool:
        """Whether a permit lies ready, or was taken by a start that has not ended."""
        return any((self.run_dir / name).exists() for name in ("permit", "permit.taken"))

    def stop(self, start: str) -> None:
        """Have the wrapper end its process; `start` names the wrapper's start that is meant."""
        self._place("stop", start)

    def _place(self, name: str, text: str) -> None:
        aside = self.run_dir / f"{name}.new"
        aside.write_text(text)
        aside.replace(self.run_dir / name)
