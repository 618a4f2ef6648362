"""What a session with PostgreSQL asks for, before any server is there."""

import pytest

from ibgateway_executor.errors import StartRefusedError
from ibgateway_executor.ledger.postgres_database import _session_of

TWO = "postgresql://u:canary@one:5432,two:5433/paper"


@pytest.mark.parametrize(
    ("url", "attributes"),
    [
        (TWO, "read-write"),
        (f"{TWO}?sslmode=require", "read-write"),
        (f"{TWO}?target_session_attrs=read-write", "read-write"),
        (f"{TWO}?target_session_attrs=primary", "primary"),
        ("postgresql://u@one/paper", "read-write"),
        ("postgresql://u@one/paper?target_session_attrs=any", "any"),
    ],
)
def test_of_several_hosts_the_one_that_can_be_written_is_taken(url: str, attributes: str) -> None:
    """Else the first that answers is, and a standby takes no order for as long as it is the first."""
    assert f"target_session_attrs={attributes}" in _session_of(url, "x").split()


@pytest.mark.parametrize("attributes", ["any", "standby", "prefer-standby", "read-only"])
@pytest.mark.parametrize("url", [TWO, "postgresql:///paper?hostaddr=192.0.2.1,192.0.2.2"])
def test_several_hosts_of_which_a_standby_would_do_are_refused(url: str, attributes: str) -> None:
    joined = "&" if "?" in url else "?"
    with pytest.raises(StartRefusedError, match="say read-write") as refused:
        _session_of(f"{url}{joined}target_session_attrs={attributes}", "x")
    assert "canary" not in str(refused.value)
