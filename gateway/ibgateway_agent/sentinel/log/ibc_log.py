"""The log adapter of login driver `ibc`: what IBC and its start script print, as signs of a login.

Pure: `read(grammar, line)` gives the grammar for the next line and what this line says. Matching is
case-insensitive, because IBC changed the case of its window lines once. A line says something only
together with the ones before it where `Grammar` remembers them.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from ibgateway_api.login import Sign

YIELDED: Final = "yielded"
TOOK_OVER: Final = "took over"


@dataclass(frozen=True)
class Grammar:
    """What earlier lines mean for the next ones.

    `push_open`: "initiated" was said and its dialog has not closed (a list of devices opens and
    closes the same dialog before). `push_answered`: it has closed. `announced`: "initiated" was said
    and will not be said again, because IBC tells only what changes: the next dialog is a push. `by_token`: this process was
    started by a token and has typed no credentials. `token_ahead`: the script found a token for the
    next one. `error_ahead`: the next line is the text of a login error. `refused`: the attempt came to
    nothing and the login window is back, so the next authentication is a person's.
    """

    push_open: bool = False
    push_answered: bool = False
    announced: bool = False
    by_token: bool = False
    token_ahead: bool = False
    error_ahead: bool = False
    refused: bool = False


Said = tuple[tuple[Sign, str], ...]
Read = tuple[Grammar, Said]
Rule = Callable[[Grammar, re.Match[str]], Read]

_REFUSALS: Final = frozenset(
    {Sign.APPROVAL_MISSED, Sign.REJECTED, Sign.LOCKED_OUT, Sign.TOKEN_EXPIRED}
)
_IBC_LINE: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d:\d{3} IBC: (?P<message>.*)", re.I)
_DIALOG: Final = r"detected dialog entitled: "
_FRAME: Final = r"detected frame entitled: "
_WINDOW: Final = re.compile(
    r"detected (dialog|frame) entitled: (?P<title>.*); event=(?P<event>opened|closed)", re.I
)
_HARMLESS: Final = re.compile(
    r"detected (frame entitled: (.*gateway.*|.*\.\.\.)|dialog entitled: (restart in progress|shutdown progress|.*configuration.*));",
    re.I,
)
"""The Gateway's own windows and its splashes; what is shown on the way down or by IBC."""
_NAME_DEVICE: Final = (
    "write the entry of its list, exactly as noVNC shows it, into spec.gateway.twoFactorDevice"
)
_NO_DEVICE: Final = f"IBKR asks which second factor to use: {_NAME_DEVICE}"
_NO_TEXT: Final = "a login error without a text"


def read(grammar: Grammar, line: str) -> Read:
    """What one line says, as (sign, detail) pairs in order, and the grammar after it."""
    match = _IBC_LINE.fullmatch(line)
    if grammar.error_ahead and not match:
        return _error_text(grammar, line.strip())
    before: Said = ()
    if grammar.error_ahead:
        grammar, before = _error_text(grammar, _NO_TEXT)
    rules, text = (_IBC_RULES, match["message"]) if match else (_SCRIPT_RULES, line)
    for pattern, rule in rules:
        if found := pattern.match(text):
            grammar, said = _noted(*rule(grammar, found))
            return grammar, (*before, *said, *_window(text))
    return grammar, (*before, *_window(text))


def _window(text: str) -> Said:
    """A window that opens or closes: one that stays may wait for a person."""
    found = _WINDOW.match(text)
    if found is None or _HARMLESS.match(text):
        return ()
    sign = Sign.DIALOG_OPENED if found["event"].lower() == "opened" else Sign.DIALOG_CLOSED
    return ((sign, found["title"]),)


def _noted(grammar: Grammar, said: Said) -> Read:
    refused = grammar.refused or any(sign in _REFUSALS for sign, _ in said)
    return replace(grammar, refused=refused), said


def _says(sign: Sign, detail: str = "") -> Rule:
    return lambda grammar, _: (grammar, ((sign, detail),))


def _quotes(sign: Sign) -> Rule:
    """The sign with IBC's own text as its detail."""
    return lambda grammar, match: (grammar, ((sign, match.string),))


def _becomes(after: Grammar, sign: Sign) -> Rule:
    """A new process or a new attempt: what was remembered no longer holds."""
    return lambda grammar, _: (after, ((sign, ""),))


def _authenticating(grammar: Grammar, _: re.Match[str]) -> Read:
    """IBC announces its own attempts; one that it does not was typed into the window."""
    if not grammar.refused:
        return grammar, ()
    return Grammar(announced=grammar.announced), ((Sign.LOGIN_ATTEMPTED, "by hand"),)


def _push_sent(grammar: Grammar, _: re.Match[str]) -> Read:
    said = () if grammar.push_open else ((Sign.PUSH_SENT, ""),)
    return replace(grammar, push_open=True, push_answered=False, announced=True), said


def _push_shown(grammar: Grammar, match: re.Match[str]) -> Read:
    return _push_sent(grammar, match) if grammar.announced else (grammar, ())


def _push_closed(grammar: Grammar, _: re.Match[str]) -> Read:
    if not grammar.push_open:
        return grammar, ()
    return replace(grammar, push_open=False, push_answered=True), ((Sign.PUSH_CLOSED, ""),)


def _fell_back(grammar: Grammar, _: re.Match[str]) -> Read:
    """The splash goes while still authenticating: IBKR took no answer, the login window is back."""
    if not grammar.push_answered:
        return grammar, ()
    said = ((Sign.APPROVAL_MISSED, "the second factor was not accepted"),)
    return replace(grammar, push_answered=False), said


def _missed(grammar: Grammar, _: re.Match[str]) -> Read:
    said = ((Sign.APPROVAL_MISSED, "the push was not answered"),)
    return replace(grammar, push_answered=False), said


def _completed(grammar: Grammar, _: re.Match[str]) -> Read:
    grammar = replace(grammar, push_answered=False, announced=False)
    return grammar, ((Sign.LOGIN_COMPLETED, ""),)


def _relogin(grammar: Grammar, _: re.Match[str]) -> Read:
    """IBC presses Re-login within milliseconds of the dialog, whatever it was told about other sessions."""
    grammar = replace(grammar, push_open=False, push_answered=False, announced=False)
    return grammar, ((Sign.RELOGIN_BEGUN, ""),)


def _scenario(grammar: Grammar, match: re.Match[str]) -> Read:
    """IBC tells how it treats another session: 3 and 5 go on, 2, 4 and 6 give way, 1 asks."""
    detail = {"3": TOOK_OVER, "5": TOOK_OVER, "1": ""}.get(match["number"], YIELDED)
    return grammar, ((Sign.SESSION_TAKEN, detail),)


def _unrecognized(grammar: Grammar, _: re.Match[str]) -> Read:
    """After a token start no password was typed: it is the token that IBKR does not know."""
    if grammar.by_token:
        return grammar, ((Sign.TOKEN_EXPIRED, "Unrecognized Username or Password"),)
    return grammar, ((Sign.REJECTED, "Unrecognized Username or Password"),)


def _no_server(grammar: Grammar, match: re.Match[str]) -> Read:
    expired = grammar.by_token or "security token" in match.string.lower()
    return grammar, ((Sign.TOKEN_EXPIRED if expired else Sign.SERVER_LOST, match.string),)


def _no_such_device(grammar: Grammar, match: re.Match[str]) -> Read:
    """IBC compares the whole entry; the list stays on the screen."""
    why = f"IBKR lists no second factor named '{match['device']}': {_NAME_DEVICE}"
    return grammar, ((Sign.PERSON_NEEDED, why),)


def _error_ahead(grammar: Grammar, _: re.Match[str]) -> Read:
    return replace(grammar, error_ahead=True), ()


def _error_text(grammar: Grammar, text: str) -> Read:
    """The text of a login error, which IBC prints as a line of its own, without its prefix."""
    if not text:
        return grammar, ()
    said = next((sign for part, sign in _ERRORS if part in text.lower()), Sign.REJECTED)
    return _noted(replace(grammar, error_ahead=False), ((said, text),))


def _token_ahead(grammar: Grammar, _: re.Match[str]) -> Read:
    return replace(grammar, token_ahead=True), ()


def _ended(grammar: Grammar, _: re.Match[str]) -> Read:
    return replace(grammar, token_ahead=False), ()


def _starts_over(grammar: Grammar, _: re.Match[str]) -> Read:
    """The script's loop. Only the option proves a token: "found" is printed for spurious files too."""
    return grammar, () if grammar.token_ahead else ((Sign.COLD_RESTART, ""),)


_ERRORS: Final = (
    ("security token", Sign.TOKEN_EXPIRED),
    ("soft token", Sign.TOKEN_EXPIRED),
    ("too many failed login", Sign.LOCKED_OUT),
    ("connection to server failed", Sign.SERVER_LOST),
    ("not currently available", Sign.SERVER_LOST),
    ("server error", Sign.SERVER_LOST),
)
"""What else than a refusal of the credentials an error may be; IBC then starts over by itself."""


def _table(*rows: tuple[str, Rule]) -> tuple[tuple[re.Pattern[str], Rule], ...]:
    return tuple((re.compile(pattern, re.IGNORECASE), rule) for pattern, rule in rows)


_IBC_RULES: Final = _table(
    (r"starting session: ", _becomes(Grammar(), Sign.SESSION_STARTING)),
    (r"re-starting session", _becomes(Grammar(by_token=True), Sign.TOKEN_START)),
    (r"login attempt: \d+", _becomes(Grammar(), Sign.LOGIN_ATTEMPTED)),
    (r"second factor authentication initiated", _push_sent),
    (_DIALOG + r"second factor authentication; event=(opened|activated)", _push_shown),
    (_DIALOG + r"second factor authentication; event=closed", _push_closed),
    (_FRAME + r"authenticating\.\.\.; event=opened", _authenticating),
    (_FRAME + r"authenticating\.\.\.; event=closed", _fell_back),
    (r"re-login after second factor authentication timeout", _missed),
    (r"login has completed$", _completed),
    (_FRAME + r"starting application\.\.\.; event=closed", _completed),
    (r"login has completed: exiting", _says(Sign.STOP_BEGUN)),
    (_DIALOG + r"shutdown progress; event=opened", _says(Sign.STOP_BEGUN)),
    (_DIALOG + r"restart in progress; event=opened", _says(Sign.RESTART_BEGUN)),
    (_FRAME + r"connecting to server\.\.\.; event=opened", _says(Sign.SERVER_LOST)),
    (r"re-login to session", _relogin),
    (_DIALOG + r"re-login is required; event=opened", _relogin),
    (_DIALOG + r"existing session detected; event=opened", _says(Sign.SESSION_TAKEN)),
    (r".*\(scenario (?P<number>\d)\)", _scenario),
    (r"login failed$", _quotes(Sign.REJECTED)),
    (r"login error message:", _error_ahead),
    (_DIALOG + r"unrecognized username or password; event=opened", _unrecognized),
    (r"too many failed login attempts", _quotes(Sign.LOCKED_OUT)),
    (r"connection to server failed", _no_server),
    (r".*security tokens associated with your login", _quotes(Sign.TOKEN_EXPIRED)),
    (r".*soft token=0 received", _quotes(Sign.TOKEN_EXPIRED)),
    (r"you should specify the required second factor device", _says(Sign.PERSON_NEEDED, _NO_DEVICE)),
    (r"could not find second factor device '(?P<device>.*)' in the list", _no_such_device),
    (r"could not find second factor device", _says(Sign.PERSON_NEEDED, _NO_DEVICE)),
    (_FRAME + r"password notice; event=opened", _says(Sign.PERSON_NEEDED, "the password expires")),
)  # fmt: skip

_SCRIPT_RULES: Final = _table(
    (r"autorestart_option is -drestart=", _token_ahead),
    (r"ibc returned exit status \d+", _ended),
    (r"ibc will restart shortly", _starts_over),
    (r"\.> .*received sigint or sigterm", _says(Sign.STOP_BEGUN)),
)
