"""What the simulator's tests put around its parts: a display and ports that write down, held clocks, API clients."""
