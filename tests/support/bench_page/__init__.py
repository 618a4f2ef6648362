"""Keeps what the benchmarks measured in docs/performance/, and draws docs/performance.md from it."""

from bench_page.measured import Chart, Figure, Measured, save

__all__ = ["Chart", "Figure", "Measured", "save"]
