"""Programs that a test starts on this host: ended as a whole group, with nothing left behind."""

from host_processes.displays import forget_display, free_display
from host_processes.groups import end_group, kill_group
from host_processes.ports import free_port
from host_processes.volumes import fill, free, small_volume

__all__ = [
    "end_group",
    "fill",
    "forget_display",
    "free",
    "free_display",
    "free_port",
    "kill_group",
    "small_volume",
]
