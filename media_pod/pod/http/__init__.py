"""The pod's HTTP API: admission, health, metrics, drain."""
