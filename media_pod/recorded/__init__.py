"""Pods that keep what their calls were, for those who measure: a process, and its recordings."""
