"""Scenarios as whole calls: in real time, to a pod, over a simulated line."""
