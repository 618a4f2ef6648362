"""What a person is told of a refused permit."""

import pytest

from ibgateway_api.advice import why_refused
from ibgateway_api.permits import PermitRefusal


@pytest.mark.parametrize("refusal", PermitRefusal)
def test_nobody_is_sent_to_a_window_that_may_not_be_there(refusal: PermitRefusal) -> None:
    told = why_refused(refusal, None)
    assert told.count("noVNC") == told.count("noVNC where its window is up")
