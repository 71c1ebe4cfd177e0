"""One process: the 20 ms clock, the pod put together, call set-up, the HTTP API."""
