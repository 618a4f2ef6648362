"""A few hundred requests made from the OpenAPI document, at a real executor: no mistake, no hang, nothing stored that was refused.

`tests/bench/executor_api_cases.py` does ten thousand.
"""

from pathlib import Path

from api_cases import figures_of
from executor_world import AGENT_TOKEN, CLIENT_TOKEN, world


async def test_whatever_is_asked_is_answered_and_only_what_was_accepted_is_stored(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as here:
        await here.executor.start()
        await here.log_in()
        await here.ready()
        figures = await figures_of(here.orders.url, CLIENT_TOKEN, AGENT_TOKEN, cases=400, start=1)
        assert figures.wrong == []
        assert figures.cases > 300
        assert figures.stored
        assert figures.differences(here.executor.data / "ledger.db") == []
