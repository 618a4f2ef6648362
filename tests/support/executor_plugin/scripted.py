"""Answers one after the other, by what is asked for; the last one stays."""

import json
from typing import Any

import httpx

from plugin_fakes import FakeExecutor

ScriptedAnswer = httpx.Response | Exception


class ScriptedExecutor(FakeExecutor):
    """`says` has the answers of a method and path; an exception is an answer that is lost."""

    def __init__(self, **says: ScriptedAnswer | list[ScriptedAnswer]) -> None:
        super().__init__()
        self.says: dict[str, list[ScriptedAnswer]] = {}
        for asked, answer in says.items():
            self.will(asked, answer)

    def will(self, asked: str, answers: ScriptedAnswer | list[ScriptedAnswer]) -> None:
        """Answer `asked`, such as `GET /v1/orders`, like this from now on."""
        self.says[asked] = answers if isinstance(answers, list) else [answers]

    def transport(self) -> httpx.MockTransport:
        """The way to it."""
        return httpx.MockTransport(self._said)

    def asked(self) -> list[str]:
        """What it was asked, in this order."""
        return [f"{r.method} {r.url.path}" for r in self.requests]

    def _said(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answers = self.says.get(f"{request.method} {request.url.path}")
        if answers is None:
            return problem(404, "NoSuchPath", "the API has no such path")
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)


def problem(status: int, code: str, detail: str, title: str = "") -> httpx.Response:
    """An error as the executor answers it."""
    document = {"status": status, "code": code, "detail": detail, "title": title}
    return httpx.Response(status, json=document)


def stream(*events: tuple[int, str, Any]) -> httpx.Response:
    """Events by number, name and data; the connection ends after the last one."""
    text = "".join(
        f"event: {name}\ndata: {json.dumps(data)}\nid: {number}\n\n"
        for number, name, data in events
    )
    return httpx.Response(200, text=text, headers={"Content-Type": "text/event-stream"})
