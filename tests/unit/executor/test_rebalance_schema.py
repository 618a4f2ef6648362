"""The documents of rebalances: what is taken, what is refused, what is answered."""

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from ibgateway_api.rebalance_documents import (
    PlannedRebalance,
    RebalanceAnswer,
    RebalanceDocument,
    RebalanceReportDocument,
)
from ibgateway_executor.intake.rebalance_examples import PREVIEW, REBALANCE, REBALANCE_BODIES
from ibgateway_executor.intake.rebalance_schema import RebalanceBody, report_document
from ibgateway_executor.orders.order import Side
from ibgateway_executor.rebalance.plan import OmissionReason, PlannedTrade, PlannedWeight
from ibgateway_executor.rebalance.progress import (
    RebalanceReason,
    RebalanceReport,
    RebalanceState,
    TradeOutcome,
)

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "rebalance.md").read_text()
AAPL = {"symbol": "AAPL"}


def body(**fields: Any) -> RebalanceBody:
    return RebalanceBody.model_validate(
        {"targets": [{"contract": AAPL, "weight": "0.5"}], **fields}
    )


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"targets": [{"contract": AAPL, "weight": 0.5}]}, "from 0 to 1 as text"),
        ({"targets": [{"contract": AAPL, "weight": "1.1"}]}, "from 0 to 1 as text"),
        ({"targets": [{"contract": AAPL, "weight": "-0.1"}]}, "from 0 to 1 as text"),
        ({"targets": [{"contract": AAPL, "weight": "NaN"}]}, "from 0 to 1 as text"),
        (
            {"targets": [{"contract": AAPL, "weight": "0.6"}, {"contract": {"symbol": "IBM"}, "weight": "0.5"}]},
            "1.1 in all: at most 1",
        ),
        ({"cashReservePercent": "101"}, "a percentage from 0 to 100"),
        ({"cashReservePercent": "none"}, "a percentage from 0 to 100"),
        ({"driftTolerancePercent": None}, "a percentage from 0 to 100"),
        ({"minTradeValue": "-1"}, "an amount of 0 or more"),
        ({"untargeted": "burn"}, "'sell' or 'keep'"),
        ({"prices": "guessed"}, "'snapshot', 'delayed' or 'given'"),
        ({"givenPrices": [{"contract": AAPL, "price": "1"}]}, "with prices: given alone"),
        ({"phaseSeconds": 1}, "greater than or equal to 10"),
        ({"replacements": [{"contract": AAPL, "instead": AAPL, "scale": "0"}]}, "a factor from 0.01"),
        ({"dryRun": True}, "Extra inputs"),
        ({"reserve": "1"}, "Extra inputs"),
    ],
)  # fmt: skip
def test_a_bad_value_is_refused_and_never_taken_for_another_one(
    fields: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValidationError, match=re.escape(words)):
        body(**fields)


def test_the_same_request_has_one_fingerprint_however_it_is_written() -> None:
    assert body(minTradeValue="250").fingerprint() == body(minTradeValue="250.00").fingerprint()
    assert body(minTradeValue="0").fingerprint() == body().fingerprint()
    assert body(minTradeValue="1").fingerprint() != body().fingerprint()


@pytest.mark.parametrize("example", REBALANCE_BODIES.values(), ids=list(REBALANCE_BODIES))
def test_an_example_of_a_body_is_taken_and_read_again(example: Any) -> None:
    made = RebalanceBody.model_validate(example)
    stored = made.model_dump_json(by_alias=True, exclude_defaults=True)
    assert RebalanceBody.model_validate_json(stored) == made


def outside_names(model: type[BaseModel]) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}


def test_the_documents_have_the_fields_that_are_answered() -> None:
    assert set(REBALANCE) == outside_names(RebalanceDocument)
    assert set(PREVIEW) == outside_names(PlannedRebalance)
    assert isinstance(RebalanceAnswer.model_validate(PREVIEW).root, PlannedRebalance)
    assert isinstance(RebalanceAnswer.model_validate(REBALANCE).root, RebalanceDocument)


def test_a_plan_tells_the_price_of_each_weight() -> None:
    plan = PlannedRebalance.model_validate(PREVIEW)
    assert {weight.symbol: weight.price for weight in plan.weights} == {
        "MSFT": Decimal(420),
        "AAPL": Decimal(190),
        "BND": Decimal(73),
    }


def test_a_report_has_the_fields_of_its_document() -> None:
    trade = PlannedTrade(265598, "AAPL", Side.BUY, 10, Decimal("190.25"))
    made = RebalanceReport(
        outcomes=(
            TradeOutcome(
                trade, "id1", "Filled", "", Decimal(10), Decimal("190.3"), Decimal("0.5"), None
            ),
        ),
        weights=(PlannedWeight(265598, "AAPL", Decimal(1) / 3, Decimal(0), Decimal("0.3")),),
        drift_before=Decimal("0.1"),
        drift_after=Decimal(0),
        value_after=Decimal(1000),
        cash_after=Decimal("0.01"),
        slippage=Decimal("0.5"),
        commission=None,
    )
    document = report_document(made)
    assert set(document) == outside_names(RebalanceReportDocument)
    read = RebalanceReportDocument.model_validate(document)
    assert (read.orders[0].slippage, read.weights[0].target) == (
        Decimal("0.5"),
        Decimal("0.333333"),
    )


@pytest.mark.parametrize("words", [RebalanceState, RebalanceReason, OmissionReason])
def test_each_state_and_reason_is_documented(words: type[RebalanceState]) -> None:
    missing = [word.value for word in words if not re.search(rf"\b{word.value}\b", PAGE)]
    assert missing == []


def test_each_test_that_the_page_names_is_there() -> None:
    sources = [path.read_text() for path in Path(__file__).parents[2].rglob("test_*.py")]
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert len(named) > 15
    files = re.findall(r"`(tests/\S+\.py)`", PAGE)
    assert [file for file in files if not (ROOT / file).exists()] == []
    assert [name for name in named if not any(f"def {name}(" in text for text in sources)] == []
