"""What everybody may know who can open the console's page, made of what the sentinel knows. Pure."""

from ibgateway_agent.sentinel.permits import trading_pause
from ibgateway_agent.sentinel.permits.offers import offers
from ibgateway_agent.sentinel.permits.snapshot import SentinelSnapshot
from ibgateway_agent.sentinel.permits.week_ahead import week_now
from ibgateway_api.console_documents import ConsoleAction, ConsoleReport, QueueReport
from ibgateway_api.reports import SentinelReport
from ibgateway_api.week import next_restart


def console_report(
    told: SentinelReport,
    seen: SentinelSnapshot,
    queue: QueueReport | None,
    *,
    draining: ConsoleAction | None = None,
    not_drained: ConsoleAction | None = None,
) -> ConsoleReport:
    """The document of `GET /console`. `told` is what the operator and the executor hear at the same moment."""
    settings, week, paused = seen.settings, week_now(seen), trading_pause.standing(seen)
    waits, stands = told.waiting, told.handover
    return ConsoleReport(
        state=told.state,
        at=told.at,
        since=told.since,
        deadline=told.deadline,
        refusal=waits.refusal if waits else "",
        refused_until=waits.until if waits else None,
        handover_until=stands.until if stands else None,
        handover_costs_push=stands is not None and stands.costs_push,
        week_open=week.open,
        restart=next_restart(week, settings.calendar, settings.restart, seen.now),
        attempts_today=told.attempts_today,
        daily_attempts=settings.login.daily_attempts,
        queue=queue,
        paused_since=paused.since if paused else None,
        offers=offers(seen),
        draining=draining,
        not_drained=not_drained,
    )
