"""The operator's own health, metrics, logs and traces."""
