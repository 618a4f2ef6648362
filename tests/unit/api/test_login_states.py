"""The login state machine: what a sequence of signs adds up to."""

from datetime import UTC, datetime, timedelta

import pytest

from ibgateway_api.login import Evidence, Login, LoginState, Sign, advance, unknown

T0 = datetime(2026, 11, 22, 9, 5, tzinfo=UTC)


def run(*signs: Sign | tuple[Sign, str]) -> Login:
    """Each sign one second after the one before, from `unknown`."""
    login = unknown(T0)
    for second, sign in enumerate(signs, start=1):
        kind, detail = sign if isinstance(sign, tuple) else (sign, "")
        login = advance(login, Evidence(kind, T0 + timedelta(seconds=second), detail))
    return login


STARTED = (Sign.PERMIT_AWAITED, Sign.PROCESS_STARTED, Sign.SESSION_STARTING, Sign.LOGIN_ATTEMPTED)
IN = (*STARTED, Sign.PUSH_SENT, Sign.PUSH_CLOSED, (Sign.API_READY, "DU1234567"))

TABLE = [
    ("nothing", (), LoginState.UNKNOWN),
    ("a start waits", (Sign.PERMIT_AWAITED,), LoginState.WAITING_FOR_PERMIT),
    ("a process starts", STARTED[:3], LoginState.STARTING),
    ("a login is tried", STARTED, LoginState.LOGGING_IN),
    ("a push waits", (*STARTED, Sign.PUSH_SENT), LoginState.AWAITING_APPROVAL),
    ("a push is answered", (*STARTED, Sign.PUSH_SENT, Sign.PUSH_CLOSED), LoginState.LOGGING_IN),
    (
        "a push is missed",
        (*STARTED, Sign.PUSH_SENT, Sign.PUSH_CLOSED, Sign.APPROVAL_MISSED),
        LoginState.APPROVAL_MISSED,
    ),
    ("log lines alone never log in", (*STARTED, Sign.LOGIN_COMPLETED), LoginState.LOGGING_IN),
    ("the API's proof logs in", IN, LoginState.LOGGED_IN),
    ("a late push line does not undo a login", (*IN, Sign.PUSH_SENT), LoginState.LOGGED_IN),
    ("1100", (*IN, Sign.LINK_LOST), LoginState.CONNECTION_LOST),
    ("1100 then 1102", (*IN, Sign.LINK_LOST, Sign.LINK_RESTORED), LoginState.LOGGED_IN),
    (
        "IBKR's servers answer although nobody has said 1102",
        (*IN, Sign.LINK_LOST, (Sign.API_READY, "DU1")),
        LoginState.LOGGED_IN,
    ),
    (
        "an API that lets us in without the servers behind it is a lost connection",
        (*STARTED, Sign.LINK_LOST),
        LoginState.CONNECTION_LOST,
    ),
    (
        "1102 before anything was proven proves nothing",
        (*STARTED, Sign.LINK_LOST, Sign.LINK_RESTORED),
        LoginState.CONNECTION_LOST,
    ),
    (
        "a message of a process that has ended says nothing",
        (*IN, Sign.PROCESS_ENDED, Sign.LINK_LOST),
        LoginState.STOPPED,
    ),
    (
        "an answer on the way down is none of the process that comes",
        (*IN, Sign.RESTART_BEGUN, (Sign.API_READY, "DU1")),
        LoginState.RESTARTING,
    ),
    ("a person takes the session", (*IN, Sign.SESSION_TAKEN), LoginState.SESSION_CONFLICT),
    (
        "1100 of a taken session stays a conflict",
        (*IN, Sign.SESSION_TAKEN, Sign.LINK_LOST),
        LoginState.SESSION_CONFLICT,
    ),
    (
        "a conflict may be seen after its 1100",
        (*IN, Sign.LINK_LOST, Sign.SESSION_TAKEN),
        LoginState.SESSION_CONFLICT,
    ),
    (
        "the API answering does not end a conflict",
        (*IN, Sign.SESSION_TAKEN, (Sign.API_READY, "DU1234567")),
        LoginState.SESSION_CONFLICT,
    ),
    (
        "the session is back",
        (*IN, Sign.SESSION_TAKEN, Sign.LINK_LOST, Sign.LINK_RESTORED),
        LoginState.LOGGED_IN,
    ),
    (
        "the push of a re-login waits for approval",
        (*IN, Sign.RELOGIN_BEGUN, Sign.PUSH_SENT),
        LoginState.AWAITING_APPROVAL,
    ),
    (
        "the push of a re-login is answered",
        (*IN, Sign.RELOGIN_BEGUN, Sign.PUSH_SENT, Sign.PUSH_CLOSED),
        LoginState.LOGGING_IN,
    ),
    (
        "the push of a re-login is missed",
        (*IN, Sign.RELOGIN_BEGUN, Sign.PUSH_SENT, Sign.PUSH_CLOSED, Sign.APPROVAL_MISSED),
        LoginState.APPROVAL_MISSED,
    ),
    (
        "a re-login that IBKR refuses",
        (*IN, Sign.RELOGIN_BEGUN, Sign.REJECTED),
        LoginState.REJECTED,
    ),
    (
        "a re-login that comes through",
        (*IN, Sign.RELOGIN_BEGUN, Sign.PUSH_SENT, Sign.PUSH_CLOSED, Sign.SESSION_RESUMED),
        LoginState.LOGGED_IN,
    ),
    (
        "the API answering does not end the wait for a re-login's push",
        (*IN, Sign.RELOGIN_BEGUN, Sign.PUSH_SENT, (Sign.API_READY, "DU1")),
        LoginState.AWAITING_APPROVAL,
    ),
    (
        "a process that ends because of another session gives way until it is gone",
        (*IN, Sign.RELOGIN_BEGUN, Sign.STOP_BEGUN),
        LoginState.SESSION_CONFLICT,
    ),
    (
        "a dialog that a person has answered lets the login go on",
        (*STARTED, (Sign.DIALOG_OPENED, "A"), Sign.PERSON_NEEDED, (Sign.DIALOG_CLOSED, "A")),
        LoginState.LOGGING_IN,
    ),
    (
        "one of two dialogs is not enough",
        (
            *STARTED,
            (Sign.DIALOG_OPENED, "A"),
            (Sign.DIALOG_OPENED, "B"),
            Sign.PERSON_NEEDED,
            (Sign.DIALOG_CLOSED, "A"),
        ),
        LoginState.NEEDS_PERSON,
    ),
    ("the API closes", (*IN, Sign.API_CLOSED), LoginState.CONNECTION_LOST),
    ("the API falls silent", (*IN, Sign.API_SILENT), LoginState.API_UNRESPONSIVE),
    (
        "the API answers again",
        (*IN, Sign.API_SILENT, (Sign.API_READY, "DU1")),
        LoginState.LOGGED_IN,
    ),
    (
        "an account nobody expected",
        (*STARTED, Sign.API_UNEXPECTED_ACCOUNT),
        LoginState.NEEDS_PERSON,
    ),
    (
        "an account nobody expected, of a process that goes down",
        (*IN, Sign.RESTART_BEGUN, (Sign.API_UNEXPECTED_ACCOUNT, "DU9")),
        LoginState.RESTARTING,
    ),
    ("a wrong password", (*STARTED, Sign.REJECTED), LoginState.REJECTED),
    ("too many tries", (*STARTED, Sign.LOCKED_OUT), LoginState.LOCKED_OUT),
    (
        "a dead token",
        (Sign.PROCESS_STARTED, Sign.TOKEN_START, Sign.TOKEN_EXPIRED),
        LoginState.TOKEN_EXPIRED,
    ),
    (
        "the driver starts over by itself",
        (*STARTED, Sign.REJECTED, Sign.COLD_RESTART),
        LoginState.REJECTED,
    ),
    ("a process ends", (*IN, Sign.PROCESS_ENDED), LoginState.STOPPED),
    (
        "the next start waits",
        (*IN, Sign.PROCESS_ENDED, Sign.PERMIT_AWAITED),
        LoginState.WAITING_FOR_PERMIT,
    ),
]


@pytest.mark.parametrize(("signs", "state"), [row[1:] for row in TABLE], ids=[r[0] for r in TABLE])
def test_signs_add_up_to(signs: tuple[Sign, ...], state: LoginState) -> None:
    assert state == run(*signs).state


def test_a_push_has_a_deadline_that_goes_with_it() -> None:
    waiting = run(*STARTED, Sign.PUSH_SENT)
    assert datetime(2026, 11, 22, 9, 8, 5, tzinfo=UTC) == waiting.deadline
    assert run(*STARTED, Sign.PUSH_SENT, Sign.PUSH_CLOSED).deadline is None


def test_since_moves_only_with_the_state() -> None:
    login = run(*IN, (Sign.API_READY, "DU1234567"), (Sign.API_READY, "DU1234567"))
    assert datetime(2026, 11, 22, 9, 5, 7, tzinfo=UTC) == login.since


def test_a_full_login_is_the_weeks_authentication() -> None:
    assert datetime(2026, 11, 22, 9, 5, 6, tzinfo=UTC) == run(*IN).full_auth_time


def test_a_restart_by_token_is_not() -> None:
    by_token = (Sign.RESTART_BEGUN, Sign.PROCESS_STARTED, Sign.TOKEN_START, (Sign.API_READY, "DU1"))
    assert datetime(2026, 11, 22, 9, 5, 6, tzinfo=UTC) == run(*IN, *by_token).full_auth_time
    assert run(*by_token).full_auth_time is None


def test_a_start_that_shows_no_login_is_not_although_the_api_answers() -> None:
    """Its line may be a late one of a process that is over: last week's login would open this week's gate."""
    late = run(*IN, Sign.SESSION_STARTING, (Sign.API_READY, "DU1"))
    assert late.state is LoginState.LOGGED_IN
    assert datetime(2026, 11, 22, 9, 5, 6, tzinfo=UTC) == late.full_auth_time


@pytest.mark.parametrize("sign", [Sign.LOGIN_ATTEMPTED, Sign.PUSH_SENT, Sign.LOGIN_COMPLETED])
def test_a_start_that_shows_its_login_is(sign: Sign) -> None:
    login = run(*IN, Sign.SESSION_STARTING, sign, (Sign.API_READY, "DU1"))
    assert datetime(2026, 11, 22, 9, 5, 9, tzinfo=UTC) == login.full_auth_time


def test_a_login_is_also_where_the_api_answers_before_its_line_is_read() -> None:
    """A person has typed it, and there was no push: only the end of it is in the log."""
    proof = (Sign.API_READY, "DU1")
    login = run(*IN, Sign.SESSION_STARTING, proof, Sign.LOGIN_COMPLETED, proof)
    assert datetime(2026, 11, 22, 9, 5, 10, tzinfo=UTC) == login.full_auth_time


def test_a_person_who_logs_in_after_a_dead_token_is() -> None:
    dead = (Sign.PROCESS_STARTED, Sign.TOKEN_START, Sign.TOKEN_EXPIRED)
    login = run(*dead, Sign.PUSH_SENT, Sign.PUSH_CLOSED, (Sign.API_READY, "DU1"))
    assert datetime(2026, 11, 22, 9, 5, 5, tzinfo=UTC) == login.full_auth_time


def test_coming_back_from_a_conflict_is_no_new_authentication() -> None:
    back = run(*IN, Sign.SESSION_TAKEN, Sign.LINK_LOST, Sign.LINK_RESTORED)
    assert datetime(2026, 11, 22, 9, 5, 6, tzinfo=UTC) == back.full_auth_time


def test_a_push_that_came_with_a_relogin_is_the_weeks_authentication() -> None:
    pushed = (Sign.RELOGIN_BEGUN, Sign.PUSH_SENT, Sign.PUSH_CLOSED, Sign.SESSION_RESUMED)
    assert datetime(2026, 11, 22, 9, 5, 10, tzinfo=UTC) == run(*IN, *pushed).full_auth_time
    silent = (Sign.RELOGIN_BEGUN, Sign.SESSION_RESUMED)
    assert datetime(2026, 11, 22, 9, 5, 6, tzinfo=UTC) == run(*IN, *silent).full_auth_time


def test_a_login_that_first_took_the_session_over_is_the_weeks_authentication() -> None:
    taken = (*STARTED, Sign.SESSION_TAKEN, (Sign.API_READY, "DU1"), Sign.SESSION_RESUMED)
    assert LoginState.LOGGED_IN == run(*taken).state
    assert datetime(2026, 11, 22, 9, 5, 4, tzinfo=UTC) == run(*taken).full_auth_time


def test_a_new_process_forgets_the_old_proof() -> None:
    again = run(*IN, Sign.PROCESS_ENDED, *STARTED)
    assert not again.proven
    assert again.accounts == ()


def test_accounts_come_from_the_proof() -> None:
    assert run(*STARTED, (Sign.API_READY, "DU1,DU2,")).accounts == ("DU1", "DU2")


def test_the_accounts_nobody_expected_are_shown() -> None:
    seen = run(*STARTED, (Sign.API_UNEXPECTED_ACCOUNT, "DU9"))
    assert (seen.state, seen.accounts, seen.proven) == (LoginState.NEEDS_PERSON, ("DU9",), False)


def test_a_start_by_token_has_its_whole_time_however_long_the_last_process_took_to_end() -> None:
    login = run(*IN)
    began = login.since + timedelta(hours=1)
    login = advance(login, Evidence(Sign.RESTART_BEGUN, began))
    assert (login.state, login.since) == (LoginState.RESTARTING, began)
    started = began + timedelta(seconds=100)
    login = advance(login, Evidence(Sign.TOKEN_START, started))
    assert (login.state, login.since) == (LoginState.RESTARTING, started)
