"""IBC's configuration tasks after the login: ReadOnlyApi and AutoRestartTime."""

from pathlib import Path

from ibgateway_simulator.gateway.ibc_log import IbcLog, Window
from ibgateway_simulator.gateway.settings import GatewaySettings, Remembered, remember, remembered

BAD_TIME = (
    'Auto restart time setting must be hh:mm AM or hh:mm PM, for example "09:30 AM" or "04:00 PM"'
)


def wants_read_only(settings: GatewaySettings, folder: Path) -> bool:
    """What ReadOnlyApi says; empty keeps what the Gateway remembers."""
    chosen = settings.option("ReadOnlyApi").lower()
    return chosen in ("yes", "true") if chosen else remembered(folder).read_only


def configure(settings: GatewaySettings, log: IbcLog, folder: Path, account: str) -> None:
    """Carry out both tasks in the configuration dialog and keep the result."""
    kept = remembered(folder)
    window = _open(settings, log, account)
    read_only = wants_read_only(settings, folder)
    if settings.option("ReadOnlyApi"):
        verb = "already" if read_only == kept.read_only else "now"
        log.line("Setting ReadOnlyApi")
        log.line(f"Read-Only API checkbox is {verb} set to: {str(read_only).lower()}")
    time = _restart_time(log, kept.restart_time, settings.option("AutoRestartTime"), settings)
    remember(folder, Remembered(read_only, time))
    _close(log, window)


def set_restart_time(
    settings: GatewaySettings, log: IbcLog, folder: Path, account: str, time: str
) -> None:
    """What RESTART and PAUSE do: another restart time, kept until IBC sets its own again."""
    kept = remembered(folder)
    log.line("Getting config dialog")
    log.line("Creating config dialog future")
    log.line("Getting main window")
    log.line("Main window already found")
    log.line("Invoking config dialog menu")
    window = _open(settings, log, account)
    remember(folder, Remembered(kept.read_only, _restart_time(log, kept.restart_time, time)))
    _close(log, window)


def _open(settings: GatewaySettings, log: IbcLog, account: str) -> Window:
    paper = " (Simulated Trading)" if settings.mode == "paper" else ""
    window: Window = ("dialog", f"{account} Trader Workstation Configuration{paper}")
    log.event(window, "Opened")
    log.line("Got config dialog from future")
    return window


def _close(log: IbcLog, window: Window) -> None:
    log.focus(window)
    log.line("Configuration tasks completed")
    log.line("Click button: OK")
    log.closed(window)


def _restart_time(
    log: IbcLog, old: str, wanted: str, settings: GatewaySettings | None = None
) -> str:
    if not wanted:
        return old
    log.line("Setting Auto restart time")
    if settings is not None and not settings.restart_time:
        log.fault(BAD_TIME)
        return old
    if old == wanted:
        log.line(f"Auto restart time already set to {wanted}")
    elif old:
        log.line(f"Auto restart time changed from {old} to {wanted}")
    else:
        log.line(f"Auto restart time set to {wanted}")
    return wanted
