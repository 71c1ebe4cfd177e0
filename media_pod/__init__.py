"""Interject's data plane: one pod, many telephone calls, each of which the caller can interrupt."""
