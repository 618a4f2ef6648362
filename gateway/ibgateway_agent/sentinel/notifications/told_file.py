"""What people were told, on the sentinel's volume: a sentinel that starts again tells nothing twice.

It is written beside the event loop: a volume that is full or hangs keeps no message back. What it did not take is told
once more after a restart.
"""

import asyncio
import json
import logging
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

from ibgateway_api.notifications import Episode, Subject

CLOSE_SECONDS: Final = 5.0

logger = logging.getLogger(__name__)


class ToldFile:
    """One small file, replaced as a whole."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._wanted: str | None = None
        self._writing: asyncio.Task[None] | None = None

    def load(self) -> dict[Subject, Episode]:
        """What was told; nothing where no file can be read, and then it is told anew."""
        try:
            document = json.loads(self._path.read_text())
            known = {name: document[name] for name in document if name in set(Subject)}
            return {Subject(name): _episode(value) for name, value in known.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            logger.warning("what people were told is not known and is told anew: %r", error)
            return {}

    def keep(self, told: Mapping[Subject, Episode]) -> None:
        """Write this soon; the latest wins."""
        self._wanted = json.dumps({subject: _document(e) for subject, e in told.items()})
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())

    async def close(self) -> None:
        """Wait a moment for what is being written."""
        if self._writing is not None:
            await asyncio.wait({self._writing}, timeout=CLOSE_SECONDS)

    async def _write(self) -> None:
        while self._wanted is not None:
            text, self._wanted = self._wanted, None
            try:
                await asyncio.to_thread(_replace, self._path, text)
            except OSError as error:
                logger.warning("what people were told can't be written down: %s", error)


def _replace(path: Path, text: str) -> None:
    aside = path.with_suffix(".new")
    with aside.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)


def _document(episode: Episode) -> dict[str, object]:
    return {
        "told": list(episode.told),
        "at": episode.told_at.isoformat(),
        "announced": episode.announced_only,
    }


def _episode(document: Mapping[str, object]) -> Episode:
    told, at = document["told"], datetime.fromisoformat(str(document["at"]))
    if not isinstance(told, list) or at.tzinfo is None:
        raise ValueError("an episode has a list and an aware time")
    return Episode(tuple(map(str, told)), at, announced_only=bool(document["announced"]))
