"""The condition NotificationsDelivered, and what of the messages the status keeps."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ibgateway_api.notifications import Episode, Subject
from ibgateway_operator.model.people import Delivery
from ibgateway_operator.model.snapshot import Snapshot
from ibgateway_operator.status.delivery import notifications_delivered, told_before
from ibgateway_operator.status.event_rules import events_for
from operator_fakes import assessment, report, snapshot, status_from

TOLD = {"notifications": {"secretRef": {"name": "paper-notifications"}}}
AT = datetime(2026, 11, 18, 14, 0, tzinfo=UTC)


def said(seen: Snapshot) -> tuple[str, str, str]:
    status, finding = notifications_delivered(assessment(seen))
    return status, finding.reason, finding.message


def sentinel_says(undelivered: str, *, age: float = 0.5) -> Snapshot:
    heard = report().model_copy(update={"undelivered": undelivered})
    return snapshot(TOLD, heard=heard, age_of_news=age)


def test_without_a_secret_nobody_is_told_and_nothing_is_wrong() -> None:
    assert said(snapshot())[:2] == ("Unknown", "NotConfigured")


def test_it_is_true_while_every_address_takes_its_messages() -> None:
    assert said(snapshot(TOLD))[:2] == ("True", "Delivered")


def test_it_says_who_can_not_tell_and_why() -> None:
    both = replace(sentinel_says("address 2 (json)"), delivery=Delivery(undelivered="no Secret"))
    assert said(both) == ("False", "Undelivered", "operator: no Secret; sentinel: address 2 (json)")


@pytest.mark.parametrize(("age", "expected"), [(5.0, "False"), (5.1, "True")])
def test_an_old_word_of_the_sentinel_counts_for_nothing(age: float, expected: str) -> None:
    assert said(sentinel_says("address 1", age=age))[0] == expected


def test_trading_does_not_depend_on_it() -> None:
    status = status_from(assessment(sentinel_says("address 1")))
    conditions = {c.type: str(c.status) for c in status.conditions}
    assert (conditions["NotificationsDelivered"], conditions["Ready"]) == ("False", "True")


def test_who_is_not_told_can_read_it_in_an_event_once() -> None:
    seen = sentinel_says("address 1 (ntfy) has taken nothing")
    status = status_from(assessment(seen))
    (event,) = [e for e in events_for(seen, status) if e.reason == "MessagesUndelivered"]
    assert event.note == "sentinel: address 1 (ntfy) has taken nothing"
    again = replace(seen, gateway=replace(seen.gateway, status=status))
    assert not [e for e in events_for(again, status) if e.reason == "MessagesUndelivered"]


def test_what_was_told_is_read_back_by_the_next_operator() -> None:
    told = {Subject.ORDERS: Episode(("OrdersInDoubt/1",), AT), Subject.SETUP: Episode(("x",), AT)}
    status = status_from(assessment(snapshot(TOLD, delivery=Delivery(told=told))))
    assert [each.subject for each in status.told] == ["Orders", "Setup"]
    assert told_before(status) == told


def test_what_the_sentinel_tells_is_not_the_operators() -> None:
    told = {Subject.LOGIN: Episode(("PushWaits/1",), AT)}
    status = status_from(assessment(snapshot(TOLD, delivery=Delivery(told=told))))
    assert told_before(status) == {}
