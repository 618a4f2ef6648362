"""IBC's answers to "Existing session detected"."""

import pytest

from ibgateway_simulator.gateway.existing_session import IbcLoginState, choose


@pytest.mark.parametrize(
    ("action", "state", "taken_over", "scenario", "go_on"),
    [
        ("manual", IbcLoginState.LOGGING_IN, False, "(scenario 1)", None),
        ("secondary", IbcLoginState.LOGGING_IN, False, "(scenario 2)", False),
        ("secondary", IbcLoginState.LOGGED_IN, False, "(scenario 2)", False),
        ("primary", IbcLoginState.LOGGING_IN, False, "(scenario 3)", True),
        ("primary", IbcLoginState.LOGGING_IN, True, "(scenario 4)", False),
        ("primary", IbcLoginState.LOGGED_IN, False, "(scenario 5)", True),
        ("primary", IbcLoginState.LOGGED_IN, True, "(scenario 5)", True),
        ("primaryoverride", IbcLoginState.LOGGING_IN, False, "(scenario 3)", True),
        ("primaryoverride", IbcLoginState.LOGGED_IN, False, "(scenario 6)", False),
        ("takeover", IbcLoginState.LOGGING_IN, False, "(scenario 2)", False),
    ],
)
def test_the_scenario_follows_from_action_and_state(
    action: str, state: IbcLoginState, taken_over: bool, scenario: str, go_on: bool | None
) -> None:
    choice = choose(action, state, taken_over=taken_over)
    assert choice.lines[-1].endswith(scenario)
    assert choice.go_on is go_on


def test_an_unknown_action_is_reported() -> None:
    choice = choose("takeover", IbcLoginState.LOGGING_IN, taken_over=False)
    assert choice.lines[0] == (
        "ExistingSessionDetectedAction has an invalid value: takeover: assuming 'secondary'"
    )


def test_only_scenario_three_counts_as_the_one_take_over() -> None:
    assert choose("primary", IbcLoginState.LOGGING_IN, taken_over=False).takes_over
    assert not choose("primary", IbcLoginState.LOGGED_IN, taken_over=False).takes_over


def test_the_sixth_scenario_has_words_of_its_own() -> None:
    choice = choose("primaryoverride", IbcLoginState.LOGGED_IN, taken_over=False)
    assert choice.lines == (
        "Other session may be primary, so end this session and let the other one proceed "
        "(scenario 6)",
    )
