"""What waits for whom, and when it is tried."""

from datetime import UTC, datetime, timedelta

import pytest

from ibgateway_api.notifications import Message, Severity, Subject, Topic
from ibgateway_runtime.notifications.outbox import Outbox

AT = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)


def message(
    title: str = "lost",
    severity: Severity = Severity.WARNING,
    *,
    subject: Subject = Subject.LOGIN,
    expires: datetime | None = None,
) -> Message:
    return Message(
        subject, Topic.CONNECTION_LOST, severity, title, "", AT, episode=None, expires=expires
    )


def outbox(*addresses: str) -> Outbox:
    made = Outbox()
    made.address(addresses)
    return made


def ready(box: Outbox, address: str, now: float) -> list[str]:
    return [entry.message.title for entry in box.ready(address, now)]


def test_ordinary_messages_wait_for_each_other() -> None:
    box = outbox("a")
    box.add(message("one"), 0, 60)
    box.add(message("two"), 30, 60)
    assert ready(box, "a", 59) == []
    assert box.next_due() == 60
    assert ready(box, "a", 60) == ["one", "two"]


def test_a_critical_one_waits_for_nothing_and_takes_the_others_along() -> None:
    box = outbox("a")
    box.add(message("one"), 0, 60)
    box.add(message("push", Severity.CRITICAL), 10, 60)
    assert ready(box, "a", 10) == ["one", "push"]


def test_each_address_takes_each_message_once() -> None:
    box = outbox("a", "b")
    box.add(message("one"), 0, 0)
    entries = box.ready("a", 0)
    box.sending("a", entries)
    assert ready(box, "a", 0) == []
    assert [m.title for m in box.taken("a", entries)] == ["one"]
    assert (ready(box, "a", 0), ready(box, "b", 0)) == ([], ["one"])
    assert box.taken("b", box.ready("b", 0)) == []
    assert box.entries == []


def fail(box: Outbox, address: str, now: float) -> None:
    box.sending(address, box.ready(address, now))
    box.failed(address, "refused", now=now, at=AT)


def test_an_address_that_takes_nothing_waits_longer_and_longer_and_holds_up_no_other() -> None:
    box = outbox("bad", "good")
    box.add(message("one"), 0, 0)
    pauses, now = [], 0.0
    for _ in range(10):
        fail(box, "bad", now)
        pauses.append(box.mailboxes["bad"].again_at - now)
        now = box.mailboxes["bad"].again_at
    assert pauses == [5, 10, 20, 40, 80, 160, 320, 640, 900, 900]
    assert ready(box, "good", 0) == ["one"]
    assert box.mailboxes["bad"].failing_since == AT


def test_a_push_is_tried_at_once_and_every_minute_whatever_failed_before() -> None:
    box = outbox("bad")
    box.add(message("one"), 0, 0)
    now = 0.0
    for _ in range(8):
        fail(box, "bad", now)
        now = box.mailboxes["bad"].again_at
    fail(box, "bad", now)
    box.add(message("push", Severity.CRITICAL), now + 1, 60)
    assert ready(box, "bad", now + 1) == ["one", "push"]
    fail(box, "bad", now + 1)
    assert box.mailboxes["bad"].again_at == now + 61


def test_what_is_of_no_use_any_more_is_given_up() -> None:
    box = outbox("a")
    box.add(message("push", expires=AT + timedelta(minutes=3)), 0, 0)
    box.add(message("lost"), 0, 0)
    assert box.drop_old(AT + timedelta(minutes=2)) == 0
    assert box.drop_old(AT + timedelta(minutes=3)) == 1
    assert ready(box, "a", 0) == ["lost"]
    assert box.drop_old(AT + timedelta(days=1)) == 1


def test_what_was_not_tried_is_taken_back_when_it_is_over() -> None:
    box = outbox("a")
    box.add(message("lost"), 0, 60)
    box.add(message("volume", subject=Subject.VOLUME), 0, 60)
    assert box.withdraw(Subject.LOGIN) is False
    assert ready(box, "a", 60) == ["volume"]
    box.sending("a", box.ready("a", 60))
    assert box.withdraw(Subject.VOLUME) is True


def test_a_corrected_address_gets_what_the_wrong_one_did_not_take() -> None:
    box = outbox("wrong", "good")
    box.add(message("one"), 0, 0)
    box.taken("good", box.ready("good", 0))
    fail(box, "wrong", 0)
    box.address(["good", "right"])
    assert (ready(box, "good", 1), ready(box, "right", 1)) == ([], ["one"])
    assert "wrong" not in box.mailboxes
    box.address(["good"])
    assert box.entries == []


def test_nothing_is_forgotten_while_there_is_no_address() -> None:
    box = outbox()
    box.add(message("one"), 0, 0)
    box.address([])
    assert (len(box.entries), box.next_due()) == (1, None)


@pytest.mark.parametrize(("count", "dropped"), [(50, 0), (51, 1)])
def test_there_is_an_end_to_what_waits(count: int, dropped: int) -> None:
    box = outbox("a")
    assert sum(box.add(message(str(n)), 0, 0) for n in range(count)) == dropped
    assert len(box.entries) == 50
