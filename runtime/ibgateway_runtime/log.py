"""One log format for every program: time, level, logger, message, on stderr."""

import logging
import sys
from collections.abc import Iterable

FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"


def configure(level: str = "INFO", *, quiet: Iterable[str] = ()) -> None:
    """Log to stderr at `level`; the loggers named in `quiet` from WARNING on.

    Access logs are always quiet: a request line could hold what a person typed into the wrong place.
    """
    logging.basicConfig(level=level, format=FORMAT, stream=sys.stderr)
    logging.getLogger().setLevel(level)
    for name in ("aiohttp.access", *quiet):
        logging.getLogger(name).setLevel(logging.WARNING)
