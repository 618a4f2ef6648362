"""What a person may ask for, in words: what it costs in pushes, and the command that does it without this page. Pure."""

from collections.abc import Iterator
from typing import Final

from ibgateway_api import names
from ibgateway_api.console_documents import ActionOffer, ConsoleAction, ConsoleReport
from ibgateway_api.names import Key, child_names

Row = dict[str, str]
"""`action` (empty: there is no button for it), `label`, `cost`, `pushes` (empty: none), `refused`, `command` and `note`; the last three may be empty.
`note`: what whoever takes the command has to know."""

_LABELS: Final = {
    ConsoleAction.LOGIN: "One login",
    ConsoleAction.RESTART: "Restart",
    ConsoleAction.HANDOVER: "Have the login for yourself",
    ConsoleAction.HAND_BACK: "Give the login back",
    ConsoleAction.PAUSE: "Pause trading",
    ConsoleAction.RESUME: "Resume trading",
}
_WITHOUT_PUSH: Final = {
    ConsoleAction.RESTART: "no push: it leaves and comes back by the week's token, in up to two minutes",
    ConsoleAction.HANDOVER: "no push if it ends before the week's token does",
    ConsoleAction.PAUSE: "no push: the login stays, orders wait",
    ConsoleAction.RESUME: "no push: orders go on",
}
_WITH_PUSH: Final = {
    ConsoleAction.HANDOVER: "one push when it ends",
}
_NOTES: Final = {
    ConsoleAction.HANDOVER: "the command's text acts once: remove the annotation when you are back, or write another time",
}


def rows(key: Key | None, told: ConsoleReport) -> list[Row]:
    """A row for each offer, and one for what only the API server takes."""
    return list(_rows(key, told))


def _rows(key: Key | None, told: ConsoleReport) -> Iterator[Row]:
    for offer in told.offers:
        yield {
            "action": str(offer.action),
            "label": _LABELS[offer.action],
            "cost": _cost(offer),
            "pushes": "yes" if offer.pushes else "",
            "refused": offer.refused,
            "command": _command(key, offer.action, weeks=told.week_open) if key else "",
            "note": _NOTES.get(offer.action, "") if key else "",
        }
    if key is not None and told.offers:
        yield {
            "action": "",
            "label": "Suspend",
            "cost": "no push; resuming costs one unless it comes back by the week's token",
            "pushes": "",
            "refused": "",
            "command": f"{_kubectl(key)} patch ibgw {key.name} --type merge --patch"
            """ '{"spec":{"suspend":true}}'""",
            "note": "",
        }


def _cost(offer: ActionOffer) -> str:
    if not offer.pushes:
        return _WITHOUT_PUSH.get(offer.action, "no push")
    why = f", because {offer.why}" if offer.why else ""
    return _WITH_PUSH.get(offer.action, "one push") + why


def _command(key: Key, action: ConsoleAction, *, weeks: bool) -> str:
    """Empty where only the executor takes it."""
    annotate = f"{_kubectl(key)} annotate --overwrite ibgw/{key.name}"
    handover = names.ANNOTATION_HANDOVER_UNTIL
    login = f"{annotate} {names.ANNOTATION_LOGIN_REQUESTED_AT}=$(date -u +%Y-%m-%dT%H:%M:%SZ)"
    match action:
        case ConsoleAction.LOGIN:
            return login
        case ConsoleAction.RESTART:
            pod = f"{_kubectl(key)} delete pod {child_names(key.name).gateway_pod}"
            return login if weeks else pod
        case ConsoleAction.HANDOVER:
            return f"{annotate} {handover}=30m"
        case ConsoleAction.HAND_BACK:
            return f"{_kubectl(key)} annotate ibgw/{key.name} {handover}-"
        case ConsoleAction.RESUME:
            return (
                f"{annotate} {names.ANNOTATION_RESUME_REQUESTED_AT}=$(date -u +%Y-%m-%dT%H:%M:%SZ)"
            )
        case _:
            return ""


def _kubectl(key: Key) -> str:
    return f"kubectl --namespace {key.namespace}"
