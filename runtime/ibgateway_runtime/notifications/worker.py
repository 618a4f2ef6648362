"""`python -m ibgateway_runtime.notifications.worker`: hands letters to apprise, in a process of its own.

apprise costs a second and some 40 MB to load, its receivers may hang, and its log lines hold addresses with their
passwords. So it stands where it can be killed, and where nothing it prints or logs is read by anybody: tasks come in on
stdin, one JSON object a line, and words of our own go out on stdout.
"""

import json
import logging
import os
import re
import sys
import threading
from collections.abc import Mapping
from typing import Any, Final, TextIO

import apprise

from ibgateway_api.notifications import Severity
from ibgateway_runtime.notifications.answers import NOT_TAKEN, UNUSABLE

_TYPES: Final = {
    Severity.INFO: apprise.NotifyType.INFO,
    Severity.WARNING: apprise.NotifyType.WARNING,
    Severity.CRITICAL: apprise.NotifyType.FAILURE,
}
_STATUS: Final = re.compile(r"\berror=([0-9]{3})\b")
"""How apprise's log lines tell an HTTP status; all else in them may be an address."""


def main() -> int:
    """Answer tasks until stdin ends."""
    logging.lastResort = None
    answers = _answers_only()
    apprise.Apprise().add("json://localhost")  # loads every plugin, before there is any hurry
    lock = threading.Lock()
    for line in sys.stdin:
        task = json.loads(line)
        threading.Thread(target=_answer, args=(task, answers, lock), daemon=True).start()
    os._exit(0)  # a receiver that hangs holds up no end


def _answers_only() -> TextIO:
    """Our own way to stdout; what anything else prints goes nowhere."""
    answers = os.fdopen(os.dup(1), "w")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    return answers


def _answer(task: Mapping[str, Any], answers: TextIO, lock: threading.Lock) -> None:
    try:
        why = _sent(task)
    except Exception as error:
        # A plugin may raise anything, and its words may be an address.
        why = f"{NOT_TAKEN} ({type(error).__name__})"
    with lock:
        answers.write(f"{json.dumps({'id': task['id'], 'why': why})}\n")
        answers.flush()


def _sent(task: Mapping[str, Any]) -> str:
    """Why it was not taken; empty where it was, or where the address is all right and nothing was to be sent."""
    asset = apprise.AppriseAsset(
        app_id="ibgateway", app_desc="ibgateway", image_url_mask="", storage_mode="memory"
    )
    receiver = apprise.Apprise(asset=asset)
    if not receiver.add(task["address"]):
        return UNUSABLE
    if "body" not in task:
        return ""
    result = receiver.notify(
        title=task["title"],
        body=task["body"],
        notify_type=_TYPES[Severity(task["severity"])],
        body_format=apprise.NotifyFormat.TEXT,
        timeout=task["seconds"],
    )
    if result:
        return ""
    found = next((s for entry in result.logs() if (s := _STATUS.search(entry.message))), None)
    return f"{NOT_TAKEN} (HTTP {found[1]})" if found else NOT_TAKEN


if __name__ == "__main__":
    sys.exit(main())
