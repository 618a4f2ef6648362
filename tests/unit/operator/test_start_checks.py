"""What is served but not started, and in which words."""

from dataclasses import replace
from typing import Any

import pytest

from ibgateway_api.names import Key
from ibgateway_operator.decide.start_checks import blocker
from ibgateway_operator.model.snapshot import Credentials
from operator_fakes import LIVE, snapshot


def credentials(*keys: str, default_vnc: bool = False) -> Credentials:
    return Credentials("ib-credentials", found=True, keys=frozenset(keys), default_vnc=default_vnc)


FULL = credentials("IB_USERNAME", "IB_PASSWORD", "VNC_PASSWORD")


@pytest.mark.parametrize(
    ("spec", "more", "reason", "words"),
    [
        pytest.param({}, {"credentials": FULL}, None, "", id="all there"),
        pytest.param({}, {"credentials": None}, "CredentialsUnknown", "", id="not looked at"),
        pytest.param(
            {},
            {"credentials": Credentials("ib-credentials")},
            "CredentialsMissing",
            "Secret ib-credentials does not exist: create it",
            id="no Secret",
        ),
        pytest.param(
            {},
            {"credentials": credentials("IB_USERNAME")},
            "CredentialsMissing",
            "Secret ib-credentials has no key IB_PASSWORD",
            id="no password",
        ),
        pytest.param(
            {},
            {"credentials": credentials("IB_PASSWORD")},
            "CredentialsMissing",
            "Secret ib-credentials has no key IB_USERNAME",
            id="no user name",
        ),
        pytest.param(
            {},
            {"credentials": replace(credentials("IB_USERNAME"), empty=frozenset({"IB_PASSWORD"}))},
            "CredentialsMissing",
            "the key IB_PASSWORD of Secret ib-credentials is empty",
            id="an empty password",
        ),
        pytest.param(
            {},
            {"credentials": replace(FULL, unusable="IB_PASSWORD is no UTF-8 text")},
            "CredentialsUnusable",
            "in Secret ib-credentials IB_PASSWORD is no UTF-8 text, which no login window takes",
            id="a password that can't be typed",
        ),
        pytest.param(
            {},
            {"duplicate": Key("other", "first")},
            "DuplicateUserName",
            "IBGateway other/first is older",
            id="an older gateway has the user name",
        ),
        pytest.param(
            {},
            {"credentials": credentials("IB_USERNAME", "IB_PASSWORD")},
            None,
            "",
            id="paper has a default VNC password",
        ),
        pytest.param(
            LIVE,
            {"credentials": credentials("IB_USERNAME", "IB_PASSWORD")},
            "VncPasswordMissing",
            "add the key VNC_PASSWORD to Secret ib-credentials",
            id="live without VNC password",
        ),
        pytest.param(
            LIVE,
            {
                "credentials": credentials(
                    "IB_USERNAME", "IB_PASSWORD", "VNC_PASSWORD", default_vnc=True
                )
            },
            "DefaultVncPassword",
            "is the documented default",
            id="live with the default VNC password",
        ),
        pytest.param(
            LIVE,
            {"credentials": replace(FULL, guessable_vnc="is a run")},
            "GuessableVncPassword",
            "VNC_PASSWORD in Secret ib-credentials is a run: whoever opens the window can trade",
            id="live with one that is soon guessed",
        ),
        pytest.param(
            {},
            {"credentials": replace(FULL, guessable_vnc="is a run")},
            None,
            "",
            id="paper with one that is soon guessed",
        ),
        pytest.param(LIVE, {"credentials": FULL}, None, "", id="live with its own"),
    ],
)
def test_the_gateway_is_started_or_not(
    spec: dict[str, Any], more: dict[str, Any], reason: str | None, words: str
) -> None:
    seen = snapshot(spec, **more)
    assert seen.gateway.spec is not None
    found = blocker(seen.gateway.spec, seen)
    assert (found.reason if found else None) == reason
    assert words in (found.message if found else "")
