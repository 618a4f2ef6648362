"""What the operator counts of each gateway."""

from ibgateway_api.login import LoginState
from ibgateway_api.names import Key
from ibgateway_operator.metrics import metrics


def test_a_gateway_is_in_one_login_state_and_has_none_when_it_is_gone() -> None:
    counted, paper, live = metrics(), Key("trading", "paper"), Key("trading", "live")
    for key, state in (
        (paper, LoginState.LOGGING_IN),
        (paper, LoginState.LOGGED_IN),
        (live, LoginState.LOCKED_OUT),
    ):
        counted.login(key, state)
        counted.gate_is(key, open_=state is LoginState.LOGGED_IN)

    def sample(key: Key, state: str) -> float | None:
        labels = {"namespace": key.namespace, "name": key.name, "state": state}
        return counted.registry.get_sample_value("ibgateway_login_state", labels)

    assert [sample(paper, s) for s in ("LoggedIn", "LoggingIn", "LockedOut")] == [1.0, 0.0, 0.0]
    assert [sample(live, s) for s in ("LoggedIn", "LoggingIn", "LockedOut")] == [0.0, 0.0, 1.0]
    counted.forget(paper)
    assert sample(paper, "LoggedIn") is None
    assert sample(live, "LockedOut") == 1.0
