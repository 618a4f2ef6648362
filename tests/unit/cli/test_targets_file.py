"""Files of target weights: what is written is what is sent, and what has two meanings is refused."""

import re
from pathlib import Path
from typing import Any

import pytest

from ibgateway_cli.errors import ExitCode, PluginError
from ibgateway_cli.executor.targets_file import rebalance_body

AAPL = {"contract": {"symbol": "AAPL"}, "weight": "0.6"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("targets: {AAPL: 0.6}", {"targets": [AAPL]}),
        ('{"targets": {"AAPL": 0.6}}', {"targets": [AAPL]}),
        ('{"targets": [{"contract": {"symbol": "AAPL"}, "weight": "0.6"}]}', {"targets": [AAPL]}),
        ("targets: {AAPL: 0.100000000000000001}", "0.100000000000000001"),
        ("targets: {AAPL: 0.60}", "0.60"),
        ("targets: {}", {"targets": []}),
        ("targets: {ON: 0.6}", {"targets": [{"contract": {"symbol": "ON"}, "weight": "0.6"}]}),
        ("targets: {NO: 0.6}", {"targets": [{"contract": {"symbol": "NO"}, "weight": "0.6"}]}),
        ("targets: {TRUE: 0.6}", {"targets": [{"contract": {"symbol": "TRUE"}, "weight": "0.6"}]}),
        (
            "targets: {'true': 1}\nx: true\ny: false",
            {"targets": [{"contract": {"symbol": "true"}, "weight": "1"}], "x": True, "y": False},
        ),
        (
            "targets: [{contract: {conId: 265598}, weight: '1'}]\nphaseSeconds: 60\nminTradeValue: 250",
            {
                "targets": [{"contract": {"conId": 265598}, "weight": "1"}],
                "phaseSeconds": 60,
                "minTradeValue": "250",
            },
        ),
        (
            "targets: {}\nvalidUntil: 2026-12-02T16:00:00Z",
            {"targets": [], "validUntil": "2026-12-02T16:00:00Z"},
        ),
    ],
)
def test_what_is_written_is_what_is_sent(text: str, expected: Any) -> None:
    body = rebalance_body(text, account=None)
    assert expected == (body["targets"][0]["weight"] if isinstance(expected, str) else body)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("targets: {AAPL: 0.3, AAPL: 0.6}", "AAPL stands twice"),
        ('{"targets": {"AAPL": 0.3, "AAPL": 0.6}}', "AAPL stands twice"),
        ("targets: {}\ntargets: {AAPL: 1}", "targets stands twice"),
        ("AAPL: 0.6", "it has no targets"),
        ("", "it has no targets"),
        ("- AAPL", "it has no targets"),
        ("targets: {AAPL: [", "while parsing"),
        ("targets: {NULL: 1}", "null is no symbol: write it in quotes"),
        ("targets: {true: 1}", "true is no symbol: write it in quotes"),
        ("targets: {{ symbol }: 1}", "is no key"),
        (b"\xff\xfet\x00", "no UTF-8"),
        ('{"targets": ', "Expecting value"),
        ("targets: !!python/object:os.system {}", "could not determine a constructor"),
    ],
)
def test_what_cannot_be_read_for_sure_is_refused(text: str | bytes, why: str) -> None:
    with pytest.raises(PluginError, match=why) as raised:
        rebalance_body(text, account=None)
    assert raised.value.exit_code is ExitCode.USAGE


def test_the_account_of_the_command_line_has_to_be_that_of_the_file() -> None:
    assert rebalance_body("targets: {}", account="DU1")["account"] == "DU1"
    assert rebalance_body("targets: {}\naccount: DU1", account="DU1")["account"] == "DU1"
    with pytest.raises(PluginError, match="it is for account DU1, and --account says DU2"):
        rebalance_body("targets: {}\naccount: DU1", account="DU2")


def test_the_page_that_the_next_step_names_has_the_sample() -> None:
    with pytest.raises(PluginError) as caught:
        rebalance_body(b"- 1", account=None)
    [page] = re.findall(r"docs/[a-z-]+\.md", caught.value.next_step)
    assert "\ntargets:\n  AAPL: 0.6\n" in (Path(__file__).parents[3] / page).read_text()
