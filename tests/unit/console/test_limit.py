"""Wrong attempts a minute."""

from ibgateway_agent.console.limit import FailureLimit


def test_the_sixth_failure_within_a_minute_is_refused() -> None:
    limit = FailureLimit()
    assert [limit.charge(second) for second in (0, 1, 2, 3, 4, 5)] == [True] * 5 + [False]


def test_a_refused_attempt_does_not_prolong_the_wait() -> None:
    limit = FailureLimit()
    for second in (0, 0, 0, 0, 0, 30, 59):
        limit.charge(second)
    assert not limit.charge(59.9)
    assert limit.charge(60)


def test_the_window_slides() -> None:
    limit = FailureLimit()
    for second in (0, 20, 20, 20, 20):
        assert limit.charge(second)
    assert limit.charge(61)
    assert not limit.charge(62)
    assert limit.charge(81)


def test_a_right_attempt_costs_nothing() -> None:
    limit = FailureLimit()
    for second in range(100):
        assert limit.charge(second)
        limit.give_back(second)


def test_guesses_sent_all_at_once_are_all_charged() -> None:
    limit = FailureLimit()
    assert [limit.charge(7) for _ in range(100)].count(True) == 5


def test_a_charge_that_is_out_of_the_window_needs_no_forgiving() -> None:
    limit = FailureLimit()
    limit.charge(0)
    limit.charge(100)
    limit.give_back(0)
    assert [limit.charge(100) for _ in range(5)] == [True] * 4 + [False]
