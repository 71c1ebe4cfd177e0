"""Pods that record their calls: a process, and its recordings."""
