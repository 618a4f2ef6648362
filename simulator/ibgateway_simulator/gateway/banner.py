"""What IBC prints before the first window opens."""

from ibgateway_simulator.gateway.ibc_log import IbcLog
from ibgateway_simulator.gateway.settings import GatewaySettings

IBC_VERSION = "3.24.2"


def greet(settings: GatewaySettings, log: IbcLog) -> None:
    """Settings and version, before the command server starts."""
    log.raw("", "IBC Settings:", *settings.masked(), "End IBC Settings", "")
    log.line(f"version: {IBC_VERSION}")
    log.line(f"using default settings provider: ini file is {settings.ini_path}")
    log.line(
        "using default login manager: will get username and password from settings; "
        "FIX username and password (if required) from settings"
    )
    log.line("using default main window manager")
    log.line(
        "using default trading mode manager: constructor parameter args but trading mode not "
        "present - will be taken from settings"
    )
    log.line("using default config dialog manager")


def announce(settings: GatewaySettings, log: IbcLog) -> None:
    """From the settings folder to "Starting Gateway"."""
    ini = settings.settings_dir / "jts.ini"
    log.line(f"TWS Settings directory is: {settings.settings_dir}")
    if settings.restart:
        log.line("Re-starting session")
    else:
        log.line("Starting session: will exit if login dialog is not displayed within 60 seconds")
    log.line(f"Ensuring {ini} contains required minimal lines")
    for entry in (
        *("[Logon]/s3store=true", "[Logon]/Locale=en", "[Logon]/displayedproxymsg=1"),
        *("[Logon]/UseSSL=true", "[IBGateway]/ApiOnly=true", "[IBGateway]/TrustedIPs=127.0.0.1"),
    ):
        log.line(f"Found setting: {entry}")
    log.line(f"Confirmed {ini} contains required minimal lines")
    log.line("Starting Gateway")
    if settings.has_config_tasks:
        log.line("Getting config dialog")
        log.line("Creating config dialog future")
        log.line("Getting main window")
        log.line("Creating main window future")
