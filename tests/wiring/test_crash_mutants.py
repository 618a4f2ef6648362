"""The crash campaign finds what it is for: each defect that is put into the executor is caught. All of it: tests/support/crash_campaign/mutants.py."""

from pathlib import Path

import pytest

from crash_campaign.campaign import campaign
from crash_campaign.proofs import PROOFS
from crash_campaign.table import details


@pytest.mark.timeout(600)
@pytest.mark.parametrize("mutant", list(PROOFS))
async def test_an_executor_with_a_defect_is_caught(tmp_path: Path, mutant: str) -> None:
    result = await campaign(tmp_path, PROOFS[mutant])
    assert result.done["points tried"], details(result)
    assert result.violations, details(result)
