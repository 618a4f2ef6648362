"""`/v1/rebalances`: an account is traded towards its target weights; `dryRun=true` says what would be done."""

from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import JSONResponse

from ibgateway_executor.errors import OrderRefusedError
from ibgateway_executor.intake.body import OrderRoute
from ibgateway_executor.intake.cursors import LARGEST_PAGE as LARGEST_HISTORY
from ibgateway_executor.intake.cursors import Cursor, PageQuery
from ibgateway_executor.intake.idempotency import KEY_SCHEMA, read_key
from ibgateway_executor.intake.pages import ID
from ibgateway_executor.intake.rebalance_intake import RebalanceIntake
from ibgateway_executor.intake.rebalance_schema import RebalanceBody, rebalance_document
from ibgateway_executor.intake.schema import history_document
from ibgateway_executor.intake.services import Services
from ibgateway_executor.rebalance.progress import RebalanceRun, RebalanceState

LARGEST_PAGE: Final = 100
PATH: Final = "/v1/rebalances"

rebalances = APIRouter(route_class=OrderRoute)


def _intake(services: Services) -> RebalanceIntake:
    return services.rebalances


Intake = Annotated[RebalanceIntake, Depends(_intake)]
OptionalKey = Annotated[str | None, Header(alias="Idempotency-Key", json_schema_extra=KEY_SCHEMA)]


@rebalances.post("/v1/rebalances", status_code=202)
async def rebalance_account(
    intake: Intake,
    request: Request,
    body: RebalanceBody,
    key: OptionalKey = None,
    *,
    dry_run: Annotated[bool, Query(alias="dryRun")] = False,
) -> Response:
    """Store a rebalance: 202 when it is new, 200 with the one of a repeated request, 409 with the id of the one that the account has and
    that has not ended. `dryRun=true`: 200 with the plan of this moment, and nothing is stored or sent.
    """
    if dry_run:
        return JSONResponse(await intake.preview(body))
    del key  # as it is documented; read as all keys are, whatever FastAPI makes of several
    named = read_key(request.headers.getlist("idempotency-key"))
    run, new = await intake.accept(named.key, body)
    return JSONResponse(
        rebalance_document(run),
        status_code=202 if new else 200,
        headers={"Location": f"/v1/rebalances/{run.id}"},
    )


@rebalances.get("/v1/rebalances")
async def list_rebalances(
    intake: Intake,
    response: Response,
    cursor: Cursor = "",
    limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE)] = 20,
) -> dict[str, Any]:
    """Rebalances, oldest first. `next` is the cursor of the following page, null on the last one."""
    query = PageQuery(PATH)
    found = await intake.page(after=query.sequence(cursor), limit=limit + 1)
    page, follows = query.page(found, limit, response, lambda run: run.sequence)
    return {"rebalances": [rebalance_document(run) for run in page], "next": follows}


@rebalances.get("/v1/rebalances/{rebalance_id}")
async def get_rebalance(intake: Intake, rebalance_id: str) -> dict[str, Any]:
    """One rebalance: its plan, how far it has come, and its report."""
    return rebalance_document(await _find(intake, rebalance_id))


@rebalances.get("/v1/rebalances/{rebalance_id}/history")
async def get_rebalance_history(
    intake: Intake,
    services: Services,
    rebalance_id: str,
    response: Response,
    *,
    cursor: Cursor = "",
    limit: Annotated[int, Query(ge=1, le=LARGEST_HISTORY)] = 100,
) -> dict[str, Any]:
    """What became of a rebalance and why, oldest first. `next` is the cursor of the following page."""
    run = await _find(intake, rebalance_id)
    query = PageQuery(f"{PATH}/{quote(run.id, safe='')}/history")
    after = query.sequence(cursor)
    found = await services.ledger.history(-run.sequence, after=after, limit=limit + 1)
    page, follows = query.page(found, limit, response, lambda line: line.number)
    return {"history": [history_document(line) for line in page], "next": follows}


@rebalances.delete("/v1/rebalances/{rebalance_id}")
async def cancel_rebalance(intake: Intake, rebalance_id: str, response: Response) -> dict[str, Any]:
    """Cancel: at once (200) where nothing was traded; else its open orders are cancelled and nothing follows (202).

    Asked again of one that is cancelled: 200.
    """
    found = await _find(intake, rebalance_id)
    after = await intake.cancel(found.id)
    if after.ended and after.state is not RebalanceState.CANCELLED:
        raise OrderRefusedError(409, "CannotCancel", f"the rebalance is {after.state} already")
    response.status_code = 200 if after.ended else 202
    return rebalance_document(after)


@rebalances.get("/v1/targets")
async def get_targets(services: Services) -> dict[str, Any]:
    """Where target weights are fetched, when next, and what became of the last ones. `lastGood` is shown and never traded again."""
    return services.targets()


async def _find(intake: RebalanceIntake, rebalance_id: str) -> RebalanceRun:
    found = await intake.find(rebalance_id) if ID.fullmatch(rebalance_id) else None
    if found is None:
        raise OrderRefusedError(404, "NoSuchRebalance", f"there is no rebalance {rebalance_id}")
    return found
