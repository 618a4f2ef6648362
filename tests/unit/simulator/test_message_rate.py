"""The limit of messages a second, and when it is broken once too often."""

from ibgateway_simulator.model.message_rate import MessageRate


def test_messages_within_the_limit_pass() -> None:
    rate = MessageRate()
    assert [rate.breach(0.25 * n, 5) for n in range(20)] == [0] * 20


def test_a_breach_tells_how_many_came_and_starts_counting_again() -> None:
    rate = MessageRate()
    assert [rate.breach(0.0, 2) for _ in range(4)] == [0, 0, 3, 0]


def test_the_third_breach_is_the_last() -> None:
    rate = MessageRate()
    exhausted: list[bool] = []
    for _ in range(6):
        rate.breach(0.0, 1)
        exhausted.append(rate.exhausted)
    assert exhausted == [False, False, False, False, False, True]
