"""`make site`: the documentation as a site in build/site. A page, an anchor or a file that a link does not find fails it, and so does every other warning."""

import shutil
import sys
from pathlib import Path
from typing import Final

from sphinx.cmd.build import build_main

ROOT: Final = Path(__file__).parents[3]
OUT: Final = ROOT / "build" / "site"
CACHE: Final = ROOT / "build" / "site-doctrees"


def build(source: Path, out: Path, cache: Path) -> int:
    """Writes every page anew from what was parsed before; Sphinx' exit code.

    All pages, because a page that did not change may link to one that did. After a failure nothing that was parsed
    is kept: Sphinx says what is wrong with a page only when it parses it.
    """
    code = build_main(
        [
            *("-b", "html", "-c", str(source / "docs"), "-d", str(cache), "-j", "auto"),
            *("-W", "-n", "-a", "-q", str(source), str(out)),
        ]
    )
    if code:
        shutil.rmtree(cache, ignore_errors=True)
    return code


if __name__ == "__main__":
    sys.exit(build(*map(Path, sys.argv[1:4])) if sys.argv[1:] else build(ROOT, OUT, CACHE))
