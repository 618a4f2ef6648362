"""Who may be replaced in the middle of a story: what is to happen happens all the same, and once."""

from datetime import timedelta

from week_world.world import WeekWorld

MINUTE = timedelta(minutes=1)


async def nobody(world: WeekWorld) -> None:
    """Everybody stays."""


async def another_operator(world: WeekWorld) -> None:
    """The operator is away for a minute."""
    world.operator_falls()
    await world.until(world.clock.true() + MINUTE)
    world.operator_returns()


async def another_sentinel(world: WeekWorld) -> None:
    """The sentinel is away for a minute."""
    await world.pod.kill_sentinel()
    await world.until(world.clock.true() + MINUTE)
    world.pod.boot_sentinel()


async def another_container(world: WeekWorld) -> None:
    """The gateway's container dies."""
    world.pod.container.kill()
