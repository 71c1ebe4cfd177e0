"""Traces and metrics of a pod."""
