"""The exception tree of the simulator.

SimulatorError
  WireError                bytes that are not the TWS text protocol
  SimulatorSettingsError   an environment variable or file that cannot be used
  SimulatorNotFoundError   the control API named something that does not exist
  NoDisplayError           no X server to open a window on (gateway/screen.py)
  SimulatorConflictError   the control API asked for something the present state does not allow
"""


class SimulatorError(Exception):
    """Root of everything this package raises on purpose."""


class WireError(SimulatorError):
    """Bytes that are not the TWS text protocol; the connection is closed."""


class SimulatorSettingsError(SimulatorError):
    """An environment variable or file that cannot be used; the message names it."""


class SimulatorNotFoundError(SimulatorError):
    """The control API named something that does not exist (HTTP 404)."""


class SimulatorConflictError(SimulatorError):
    """The control API asked for something the present state does not allow (HTTP 409)."""
