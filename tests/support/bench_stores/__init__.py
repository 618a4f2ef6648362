"""The stores that a benchmark runs on: a file, or a database of a PostgreSQL of one's own on the same disk."""

from bench_stores.ledgers import STORES, BenchLedger, BenchStore, bench_store, named

__all__ = ["STORES", "BenchLedger", "BenchStore", "bench_store", "named"]
