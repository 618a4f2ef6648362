"""Orders sent to an executor as fast as it answers, and the bare commits of like rows beside it."""

from intake_load.figures import LoadFigures
from intake_load.stored import fill

__all__ = ["LoadFigures", "fill"]
