"""Asks the control API from a shell: the answer as JSON, or in one sentence why not."""

import json
import sys
import urllib.error
import urllib.request
from typing import Final

ANSWER_SECONDS: Final = 75
"""Longer than the longest wait that may be asked for."""
USAGE: Final = "usage: python -m ibgateway_simulator ask GET|POST|PUT|PATCH PATH [JSON]\n"
_METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH"})


def ask(arguments: list[str], port: int) -> int:
    """One request to the control API on loopback; 0 for a yes, 1 for a no, 2 for a wrong call."""
    match arguments:
        case [method, path] if method in _METHODS and path.startswith("/"):
            return _print_answer(_request(port, method, path, ""))
        case [method, path, body] if method in _METHODS and path.startswith("/"):
            return _print_answer(_request(port, method, path, body))
    sys.stderr.write(USAGE)
    return 2


def _request(port: int, method: str, path: str, body: str) -> urllib.request.Request:
    url = f"http://127.0.0.1:{port}{path}"
    return urllib.request.Request(url, body.encode() or None, method=method)


def _print_answer(request: urllib.request.Request) -> int:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(request, timeout=ANSWER_SECONDS) as answer:
            sys.stdout.write(answer.read().decode())
    except urllib.error.HTTPError as no:
        sys.stderr.write(f"not done: {_reason(no)}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"IBKR's side does not answer at {request.host}: {error}\n")
        return 1
    sys.stdout.write("\n")
    return 0


def _reason(no: urllib.error.HTTPError) -> str:
    text = no.read().decode(errors="replace")
    try:
        return str(json.loads(text)["error"])
    except (ValueError, KeyError, TypeError):
        return text.strip() or f"{no.code} {no.reason}"
