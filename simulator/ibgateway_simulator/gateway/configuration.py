"""IBC's configuration tasks after the login: ReadOnlyApi and AutoRestartTime."""

from dataclasses import replace
from pathlib import Path

from ibgateway_simulator.gateway.ibc_log import IbcLog
from ibgateway_simulator.gateway.settings import GatewaySettings, remember, remembered
from ibgateway_simulator.gateway.windows import GatewayWindow, dialog

BAD_TIME = (
    'Auto restart time setting must be hh:mm AM or hh:mm PM, for example "09:30 AM" or "04:00 PM"'
)


def wants_read_only(settings: GatewaySettings, folder: Path) -> bool:
    """What ReadOnlyApi says; empty keeps what the Gateway remembers."""
    chosen = settings.option("ReadOnlyApi").lower()
    return chosen in ("yes", "true") if chosen else remembered(folder).read_only


def is_read_only(settings: GatewaySettings, folder: Path, *, configured: bool) -> bool:
    """Whether the API of this session takes no orders: IBC sets it once a start, and a person may set it after that."""
    return remembered(folder).read_only if configured else wants_read_only(settings, folder)


def configure(settings: GatewaySettings, log: IbcLog, folder: Path, account: str) -> None:
    """Carry out both tasks in the configuration dialog and keep the result."""
    kept = remembered(folder)
    window = _open(settings, log, account)
    read_only = wants_read_only(settings, folder)
    if settings.option("ReadOnlyApi"):
        verb = "already" if read_only == kept.read_only else "now"
        log.line("Setting ReadOnlyApi")
        log.line(f"Read-Only API checkbox is {verb} set to: {str(read_only).lower()}")
    time = _configured_time(settings, log, kept.restart_time)
    remember(folder, replace(kept, read_only=read_only, restart_time=time))
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
    log.line("Setting Auto restart time")
    _report_time(log, kept.restart_time, time)
    remember(folder, replace(kept, restart_time=time))
    _close(log, window)


def configuration_window(settings: GatewaySettings, account: str) -> GatewayWindow:
    """The window in which both IBC and a person set things."""
    paper = " (Simulated Trading)" if settings.mode == "paper" else ""
    return dialog(f"{account} Trader Workstation Configuration{paper}")


def _open(settings: GatewaySettings, log: IbcLog, account: str) -> GatewayWindow:
    window = configuration_window(settings, account)
    log.event(window, "Opened")
    log.line("Got config dialog from future")
    return window


def _close(log: IbcLog, window: GatewayWindow) -> None:
    log.focus(window)
    log.line("Configuration tasks completed")
    log.line("Click button: OK")
    log.closed(window)


def _configured_time(settings: GatewaySettings, log: IbcLog, old: str) -> str:
    """The restart time after the task: AutoRestartTime, or the old one where that is none."""
    wanted = settings.option("AutoRestartTime")
    if not wanted:
        return old
    log.line("Setting Auto restart time")
    if not settings.restart_time:
        log.fault(BAD_TIME)
        return old
    _report_time(log, old, wanted)
    return wanted


def _report_time(log: IbcLog, old: str, time: str) -> None:
    if old == time:
        log.line(f"Auto restart time already set to {time}")
    elif old:
        log.line(f"Auto restart time changed from {old} to {time}")
    else:
        log.line(f"Auto restart time set to {time}")
