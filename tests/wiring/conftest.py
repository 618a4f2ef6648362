"""A real PostgreSQL and a real Chromium, for the tests that ask for one."""

import secrets
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from postgres_server import PostgresServer, started

if find_spec("playwright"):  # the environment of the other IB library has no browser
    from console_world.fixtures import browser, page, screen, start, static

__all__ = ["browser", "page", "screen", "start", "static"]


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One server for the whole run; each test has a database of its own."""
    with started() as server:
        yield server


@pytest.fixture
def postgres_url(postgres: PostgresServer, tmp_path: Path) -> Path:
    """A file with the URL of a new database, as a Secret is mounted."""
    path = tmp_path / "url"
    path.write_text(postgres.database(f"test_{secrets.token_hex(6)}"), encoding="utf-8")
    return path
