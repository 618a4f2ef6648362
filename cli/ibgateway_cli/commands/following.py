"""Waiting for what a request comes to: the status is read once a second, and said as it changes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final

from ibgateway_cli.app import Plugin
from ibgateway_cli.errors import ExitCode, PluginError
from ibgateway_cli.kube.cluster import Json
from ibgateway_cli.status.attempt import (
    EXIT_CODES,
    AttemptResult,
    RequestedAttempt,
    waits_for_a_word,
    words,
)
from ibgateway_cli.status.overview import GatewayFacts, facts_of
from ibgateway_cli.terminal.output import Output
from ibgateway_cli.terminal.times import moment, stamp

SECONDS: Final = 1.0


def looks(plugin: Plugin, name: str, until: datetime) -> Iterator[GatewayFacts]:
    """The gateway, read again and again; an API server that is away is waited for. Raises PluginError when the time is over."""
    told = ""
    while True:
        try:
            facts = facts_of(plugin.lasting(name))
        except PluginError as error:
            if error.exit_code is not ExitCode.UNREACHABLE:
                raise
            if error.sentence != told:
                told = error.sentence
                plugin.terminal.tell(f"{told}: looking again.")
        else:
            told = ""
            yield facts
        if plugin.terminal.now() >= until:
            raise PluginError(
                f"it has not ended by {moment(until)}",
                f"kubectl ibgateway status {name} says how far it is",
                ExitCode.UNANSWERED,
            )
        plugin.terminal.sleep(SECONDS)


@contextmanager
def asking(name: str) -> Iterator[None]:
    """Around the write that asks: an answer that stays away does not say that nothing is asked for. Raises PluginError."""
    try:
        yield
    except PluginError as error:
        if error.exit_code is not ExitCode.UNREACHABLE:
            raise
        raise PluginError(
            f"nobody knows whether it is asked for: {error.sentence}",
            f"look at kubectl ibgateway status {name} before you ask again",
            ExitCode.UNANSWERED,
        ) from error


def confirmed(
    plugin: Plugin, facts: GatewayFacts, says: Callable[[GatewayFacts], str], *, yes: bool
) -> GatewayFacts:
    """The gateway as it is after the person's yes, who is told whose it is. Raises PluginError where it would cost something else by then."""
    plugin.terminal.confirm(f"{facts}: {says(facts)}", yes=yes)
    now = facts_of(plugin.lasting(facts.name))
    if now.uid != facts.uid or says(now) != says(facts):
        raise PluginError(
            "what it comes to has changed since you were asked: nothing was asked for",
            "ask again",
            ExitCode.REFUSED,
        )
    return now


def wait_for(
    plugin: Plugin,
    name: str,
    until: datetime,
    *,
    done: Callable[[GatewayFacts], bool],
    says: Callable[[GatewayFacts], str],
) -> GatewayFacts:
    """The gateway once `done` says so; `says` what it does meanwhile. Raises PluginError."""
    with plugin.terminal.progress("Asked for") as tell:
        for facts in looks(plugin, name, until):
            if done(facts):
                return facts
            tell(says(facts))
    raise AssertionError("looks never ends")


def follow(plugin: Plugin, asked: RequestedAttempt, output: Output) -> None:
    """Until the attempt has ended; then its answer, and a PluginError where it is no login."""
    result, facts = _ended(plugin, asked)
    if result is None:
        raise AssertionError("only its end ends it")
    _answer(plugin, asked, output, result, facts)


def follow_what_goes_on(plugin: Plugin, facts: GatewayFacts, output: Output) -> GatewayFacts | None:
    """As `follow`, of an attempt that nobody has asked for here; where none has come of it and none will by itself, the gateway as it is then."""
    asked = RequestedAttempt("", plugin.terminal.now(), facts)
    result, facts = _ended(plugin, asked, or_once=waits_for_a_word)
    if result is None:
        return facts
    _answer(plugin, asked, output, result, facts)
    return None


def _answer(
    plugin: Plugin,
    asked: RequestedAttempt,
    output: Output,
    result: AttemptResult,
    facts: GatewayFacts,
) -> None:
    document = _document(asked, result, facts)
    plugin.terminal.show(document, output, _sentence(result, facts))
    judge(plugin, asked, result, facts)


def judge(
    plugin: Plugin, asked: RequestedAttempt, result: AttemptResult, facts: GatewayFacts
) -> None:
    """The exit code of an attempt that has ended. Raises PluginError where it is no login."""
    if EXIT_CODES[result] is not ExitCode.DONE:
        raise PluginError(
            _why(plugin, asked, result, facts), _next(result, facts), EXIT_CODES[result]
        )


def _ended(
    plugin: Plugin,
    asked: RequestedAttempt,
    or_once: Callable[[GatewayFacts], bool] = lambda _: False,
) -> tuple[AttemptResult | None, GatewayFacts]:
    """How it ended, and the gateway then; None where `or_once` came first."""
    terminal, before = plugin.terminal, asked.before
    until = asked.gives_up(before.spec.login.approval_seconds)
    with terminal.progress("Asked for") as tell:
        for facts in looks(plugin, before.name, until):
            result = asked.result(facts)
            if result is not None or or_once(facts):
                return result, facts
            tell(words(facts, asked, terminal.now(), counting=terminal.person))
    raise AssertionError("looks never ends")


def _document(asked: RequestedAttempt, result: AttemptResult, facts: GatewayFacts) -> Json:
    login = facts.status.login
    return {
        "namespace": facts.namespace,
        "name": facts.name,
        "request": asked.request or None,
        "result": str(result),
        "state": str(login.state),
        "since": stamp(login.since) if login.since else None,
    }


def _sentence(result: AttemptResult, facts: GatewayFacts) -> str:
    if result is AttemptResult.LOGGED_IN:
        return f"{facts.namespace}/{facts.name} is logged in"
    if result is AttemptResult.APPLIED:
        return f"{facts.namespace}/{facts.name} has taken the change that waited"
    return f"{facts.namespace}/{facts.name} is not logged in: {facts.status.login.state}"


def _why(
    plugin: Plugin, asked: RequestedAttempt, result: AttemptResult, facts: GatewayFacts
) -> str:
    if result is AttemptResult.IGNORED:
        return _of_event(plugin, asked.request) or "the operator has ignored the request"
    if result is AttemptResult.MISSED:
        return "the push was not approved"
    if result is AttemptResult.REFUSED:
        reason, until = facts.refusal or ("no permit", None)
        ends = f", next attempt at {moment(until)}" if until else ""
        return f"no attempt is allowed: {reason}{ends}"
    return f"the login has come to {facts.status.login.state}"


def _of_event(plugin: Plugin, request: str) -> str:
    """Why the operator ignored it, by its Event; empty where Events can't be read."""
    try:
        events = plugin.cluster.list("events")
    except PluginError:
        return ""
    notes = [str(e.get("message", "")) for e in events if e.get("reason") == "LoginRequestIgnored"]
    return next((note for note in reversed(notes) if request in note), "")


def _next(result: AttemptResult, facts: GatewayFacts) -> str:
    if result is AttemptResult.MISSED:
        return f"kubectl ibgateway login {facts.name} asks for another one"
    return f"kubectl ibgateway status {facts.name} says what helps"
