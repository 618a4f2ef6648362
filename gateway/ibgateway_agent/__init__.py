"""Runs beside IB Gateway: the sentinel (login watcher and keeper of permits) and the console (noVNC)."""
