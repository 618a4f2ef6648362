"""An executor that is killed, cut off or loses power at every point of its submit path, and the books at the end."""
