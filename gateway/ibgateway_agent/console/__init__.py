"""The console: a small page with noVNC, and a WebSocket bridge to the one display it is told of."""
