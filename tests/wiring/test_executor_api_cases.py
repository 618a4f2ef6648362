"""A few hundred requests made from the OpenAPI document, at a real executor: no mistake, no hang, nothing stored that was refused.

`tests/bench/executor_api_cases.py` does ten thousand.
"""

import asyncio
from pathlib import Path

from api_cases import CaseRun
from executor_world import AGENT_TOKEN, CLIENT_TOKEN, world


def token(path: str) -> str:
    return AGENT_TOKEN if path == "/v1/gate" else CLIENT_TOKEN


async def test_whatever_is_asked_is_answered_and_only_what_was_accepted_is_stored(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as here:
        await here.executor.start()
        await here.log_in()
        await here.ready()
        run = CaseRun(here.orders.url, token)
        figures = await asyncio.to_thread(run.run, 400)
        assert figures.wrong == []
        assert figures.cases > 300
        assert figures.stored
        assert figures.differences(here.executor.data / "ledger.db") == []
