"""`/docs`: the whole API on a page that has no script and loads nothing."""

import base64
import hashlib
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from executor_fakes import IntakeWorld
from ibgateway_executor.intake.docs_page import docs_page, type_words
from ibgateway_executor.intake.http import routes

DOCUMENT = routes().openapi()
PAGE = docs_page(DOCUMENT)
VOID = {"meta"}


class PageParser(HTMLParser):
    """What is open, what a page has by id, where it leads, and every address in it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in VOID:
            self.open.append(tag)
        told = dict(attrs)
        self.ids += [name for name in [told.get("id")] if name]
        self.links += [to for to in (told.get("href"), told.get("src")) if to]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


FOUND = PageParser(PAGE)


def test_every_request_and_every_document_is_on_the_page_once() -> None:
    operations = [o["operationId"] for path in DOCUMENT["paths"].values() for o in path.values()]
    documents = [f"document-{name}" for name in DOCUMENT["components"]["schemas"]]
    assert sorted(FOUND.ids) == sorted([*operations, *documents])
    assert FOUND.open == []


def test_it_loads_nothing_runs_nothing_and_leads_nowhere_else() -> None:
    assert FOUND.tags & {"script", "link", "img", "iframe", "form", "input", "object"} == set()
    assert set(FOUND.links) - {f"#{name}" for name in FOUND.ids} == {"/openapi.json"}
    assert re.findall(r"url\(|@import|javascript:| on\w+=", PAGE) == []


def test_every_parameter_example_and_problem_is_there() -> None:
    for path in DOCUMENT["paths"].values():
        for operation in path.values():
            for parameter in operation.get("parameters", ()):
                assert f"<code>{parameter['name']}</code>" in PAGE
    for words in ("IdempotencyKeyReused", "rebalance-2026-11-23-AAPL", "event: rebalance"):
        assert words in PAGE


def test_what_the_document_says_is_text_and_never_a_tag() -> None:
    evil = "<script>alert(1)</script>"
    document: dict[str, Any] = {
        "info": {"title": evil, "version": evil, "description": evil},
        "paths": {
            evil: {
                "get": {
                    "operationId": "x",
                    "description": evil,
                    "security": [{evil: []}],
                    "parameters": [
                        {"name": evil, "in": evil, "schema": {"enum": [evil]}, "example": evil}
                    ],
                    "responses": {
                        evil: {
                            "description": evil,
                            "headers": {evil: {"description": evil, "example": evil}},
                            "content": {evil: {"schema": {"type": evil}, "example": evil}},
                        }
                    },
                }
            }
        },
        "components": {
            "securitySchemes": {evil: {"description": evil}},
            "schemas": {evil: {"description": evil, "properties": {evil: {"$ref": f"#/a/{evil}"}}}},
        },
    }
    assert "script" not in PageParser(docs_page(document)).tags


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        (
            {"type": "integer", "minimum": 1, "maximum": 500},
            "integer; at least <code>1</code>; at most <code>500</code>",
        ),
        ({"type": "string", "format": "date-time"}, "string (date-time)"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "string or null"),
        ({"enum": ["BUY", "SELL"]}, "<code>BUY</code>, <code>SELL</code>"),
        ({"const": True}, "<code>true</code>"),
        (
            {"type": "array", "items": {"$ref": "#/components/schemas/A"}},
            'list of <a href="#document-A">A</a>',
        ),
        ({}, "anything"),
    ],
)
def test_a_type_is_told_in_words(schema: dict[str, Any], words: str) -> None:
    assert type_words(schema) == words


async def test_it_is_served_without_a_token_to_our_own_names_only(intake: IntakeWorld) -> None:
    answer = await intake.http.get("/docs", headers={"Authorization": ""})
    assert (answer.status_code, answer.text) == (200, PAGE)
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    evil = await intake.http.get("/docs", headers={"Host": "evil.example"})
    assert (evil.status_code, evil.json()["code"]) == (421, "UnknownHost")
    posted = await intake.http.post("/docs", headers={"Content-Length": "0"})
    assert (posted.status_code, posted.json()["code"]) == (405, "MethodNotAllowed")


async def test_its_policy_allows_its_own_style_and_nothing_else(intake: IntakeWorld) -> None:
    policy = (await intake.http.get("/docs")).headers["Content-Security-Policy"]
    style = re.search("<style>(.*?)</style>", PAGE, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}';")
    assert "unsafe" not in policy
