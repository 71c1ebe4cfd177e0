"""What AudioSocket and WebSocket share: a socket that the clock ticks, and a server for such."""
