"""Requests made from the executor's own OpenAPI document, valid ones and broken ones, and what it answers them with.

They are made by a process of their own (`__main__`): what makes them keeps a processor busy, and the world around the executor
has to answer in time meanwhile.
"""

import asyncio
import json
import os
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import Case, GenerationMode
from schemathesis.core.result import Ok

DOCUMENT: Final = Path(__file__).parents[3] / "docs/openapi.json"
PATIENCE_SECONDS: Final = 30.0
"""Far beyond what any answer takes: a request that has none by then hangs."""
UNSENDABLE: Final = (
    requests.exceptions.InvalidJSONError,
    requests.exceptions.InvalidHeader,
    requests.exceptions.InvalidURL,
    UnicodeError,
)
"""The client's own library refuses to write it."""
STORED: Final = 202
PLACING: Final = "POST /v1/orders"
MORE_ORDERS: Final = 5
"""So many more cases of placing an order than of any other operation."""


ApiCase = Case[Any]


@dataclass
class CaseFigures:
    """What came of it. `wrong` are answers that must not be, each with its request."""

    statuses: Counter[int] = field(default_factory=Counter)
    unsendable: int = 0
    stored: set[str] = field(default_factory=set)
    """Ids of orders that were answered with 202."""
    rebalances: set[str] = field(default_factory=set)
    """Ids of rebalances that were answered with 202: their orders are stored by the executor itself."""
    wrong: list[str] = field(default_factory=list)

    @property
    def cases(self) -> int:
        """How many were answered, or should have been."""
        return self.statuses.total() + len(self.wrong)

    def differences(self, ledger: Path) -> list[str]:
        """Orders in the ledger that were not accepted, and accepted ones that are not there."""
        with closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as file:
            rows = file.execute(
                "SELECT id, idempotency_key FROM jobs "
                "UNION ALL SELECT id, idempotency_key FROM archived_jobs"
            ).fetchall()
        stored = {order for order, _ in rows}
        own = tuple(f"rebalance-{rebalance}-" for rebalance in self.rebalances)
        return [
            *(f"lost: {order}" for order in self.stored - stored),
            *(
                f"not accepted: {order} of {key}"
                for order, key in rows
                if order not in self.stored and not key.startswith(own)
            ),
        ]


async def figures_of(url: str, client_token: str, agent_token: str, **run: int) -> CaseFigures:
    """What another process finds; `run` has `cases` and `start`."""
    told = json.dumps({"url": url, "client": client_token, "agent": agent_token, **run})
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "api_cases"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )
    found, _ = await process.communicate(told.encode())
    assert process.returncode == 0, f"the process that asks ended with {process.returncode}"
    document = json.loads(found)
    return CaseFigures(
        statuses=Counter({int(status): count for status, count in document["statuses"].items()}),
        unsendable=document["unsendable"],
        stored=set(document["stored"]),
        rebalances=set(document["rebalances"]),
        wrong=document["wrong"],
    )


class CaseRun:
    """Cases for one executor; `token` opens a path."""

    def __init__(self, url: str, token: Callable[[str], str]) -> None:
        self.figures = CaseFigures()
        self._url = url
        self._token = token
        self._known: list[str] = []
        self._session = requests.Session()
        document = json.loads(DOCUMENT.read_text())
        placing = document["paths"]["/v1/orders"]["post"]["requestBody"]["content"]
        examples = placing["application/json"]["examples"].values()
        self._examples = [example["value"] for example in examples]
        self._schema = schemathesis.openapi.from_dict(document)

    def run(self, cases: int, start: int = 1) -> CaseFigures:
        """About so many cases, the same ones for the same `start`; half of them are broken on purpose."""
        found = list(self._schema.get_all_operations())
        operations = [result.ok() for result in found if isinstance(result, Ok)]
        assert len(operations) == len(found), "the document can't be read"
        each = max(cases // (2 * (len(operations) + MORE_ORDERS)), 1)
        with self._session:
            for number, operation in enumerate(operations):
                for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                    strategy = operation.as_strategy(generation_mode=mode)
                    share = 1 + MORE_ORDERS * (operation.label == PLACING)
                    self._some(strategy, each * share, start * 1000 + number)
        return self.figures

    def _some(self, strategy: Any, count: int, start: int) -> None:
        @seed(start)
        @settings(
            max_examples=count,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=strategy)
        def each(case: ApiCase) -> None:
            self._one(case)

        each()

    def _one(self, case: ApiCase) -> None:
        self._aim(case)
        request = case.as_transport_kwargs(base_url=self._url)
        request["headers"]["Authorization"] = f"Bearer {self._token(case.path)}"
        try:
            answer = self._session.request(
                **request, timeout=PATIENCE_SECONDS, stream=True, allow_redirects=False
            )
        except UNSENDABLE:
            self.figures.unsendable += 1
            return
        except requests.RequestException as error:
            self.figures.wrong.append(f"{case.method} {case.path}: {error!r}: {request}")
            return
        with closing(answer):
            self._look_at(case, answer, request)

    def _aim(self, case: ApiCase) -> None:
        """Every second request about an order is about one that there is, and every second order is nearly one of the examples.

        What the document says of single fields makes few orders whose fields go together.
        """
        number = self.figures.cases
        if case.path == "/v1/orders" and isinstance(case.body, dict) and number % 2:
            example = self._examples[number // 2 % len(self._examples)]
            own = list(case.body.items())
            case.body = example | dict(own[: number // 2 % 3])
        if "order_id" in (case.path_parameters or {}) and self._known and number % 2:
            case.path_parameters["order_id"] = self._known[number % len(self._known)]

    def _look_at(self, case: ApiCase, answer: requests.Response, request: Any) -> None:
        kind = answer.headers.get("Content-Type", "").partition(";")[0]
        if kind == "text/event-stream":
            self.figures.statuses[answer.status_code] += 1
            return
        problem = self._problem(case, answer, kind)
        if problem:
            told = answer.text[:300]
            self.figures.wrong.append(
                f"{problem}: {case.method} {case.path} {answer.status_code} {told}: {request}"
            )
            return
        self.figures.statuses[answer.status_code] += 1
        if case.path == "/v1/orders" and answer.status_code == STORED:
            order = answer.json()["id"]
            self.figures.stored.add(order)
            self._known.append(order)
        if case.path == "/v1/rebalances" and answer.status_code == STORED:
            self.figures.rebalances.add(answer.json()["id"])

    def _problem(self, case: ApiCase, answer: requests.Response, kind: str) -> str:
        """What is wrong with an answer; empty where nothing is."""
        status = answer.status_code
        if status >= 400:
            document = answer.json() if kind == "application/problem+json" else {}
            if document.get("status") != status or not document.get("detail"):
                return "no problem document"
        if status == 500:
            return "a mistake"
        documented = case.operation.definition.raw["responses"]
        unrouted = {404, 405, 400}
        if str(status) not in documented and status not in unrouted:
            return "a status that is not documented"
        return ""
