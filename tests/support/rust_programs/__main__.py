"""`python -m rust_programs FOLDER...` renews the locks of these folders."""

import sys
from pathlib import Path

from rust_programs import write_lock

for folder in sys.argv[1:]:
    write_lock(Path(folder))
