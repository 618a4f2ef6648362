"""A person's word that trading stops or goes on: bodies of `POST /v1/pause` and `/v1/resume`, and the answer."""

from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, StringConstraints

from ibgateway_executor.ledger.facade import Ledger

_ONE_LINE: Final = StringConstraints(
    strip_whitespace=True, min_length=1, pattern=r"^[^\x00-\x1f\x7f]*$"
)
Name = Annotated[str, _ONE_LINE, StringConstraints(max_length=100)]
Why = Annotated[str, _ONE_LINE, StringConstraints(max_length=500)]


class ResumeBody(BaseModel):
    """Who has trading go on."""

    model_config = ConfigDict(extra="forbid")

    by: Name


class PauseBody(ResumeBody):
    """Who pauses trading, and why."""

    reason: Why


def pause_document(ledger: Ledger) -> dict[str, Any]:
    """Whether trading is paused, by whom, why and since when, and how many orders are on their way yet."""
    standing = ledger.pause.standing
    return {
        "paused": standing is not None,
        "by": standing.by if standing else None,
        "reason": standing.reason if standing else None,
        "since": standing.since.isoformat() if standing else None,
        "unacknowledged": ledger.unacknowledged,
    }
