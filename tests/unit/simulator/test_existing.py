"""IBC's answers to "Existing session detected"."""

import pytest

from ibgateway_simulator.gateway.existing import State, choose


@pytest.mark.parametrize(
    ("action", "state", "taken_over", "scenario", "go_on"),
    [
        ("manual", "LOGGING_IN", False, "(scenario 1)", None),
        ("secondary", "LOGGING_IN", False, "(scenario 2)", False),
        ("secondary", "LOGGED_IN", False, "(scenario 2)", False),
        ("primary", "LOGGING_IN", False, "(scenario 3)", True),
        ("primary", "LOGGING_IN", True, "(scenario 4)", False),
        ("primary", "LOGGED_IN", False, "(scenario 5)", True),
        ("primary", "LOGGED_IN", True, "(scenario 5)", True),
        ("primaryoverride", "LOGGING_IN", False, "(scenario 3)", True),
        ("primaryoverride", "LOGGED_IN", False, "(scenario 6)", False),
        ("takeover", "LOGGING_IN", False, "(scenario 2)", False),
    ],
)
def test_the_scenario_follows_from_action_and_state(
    action: str, state: State, taken_over: bool, scenario: str, go_on: bool | None
) -> None:
    choice = choose(action, state, taken_over=taken_over)
    assert choice.lines[-1].endswith(scenario)
    assert choice.go_on is go_on


def test_an_unknown_action_is_reported() -> None:
    choice = choose("takeover", "LOGGING_IN", taken_over=False)
    assert choice.lines[0] == (
        "ExistingSessionDetectedAction has an invalid value: takeover: assuming 'secondary'"
    )


def test_only_scenario_three_counts_as_the_one_take_over() -> None:
    assert choose("primary", "LOGGING_IN", taken_over=False).takes_over
    assert not choose("primary", "LOGGED_IN", taken_over=False).takes_over
