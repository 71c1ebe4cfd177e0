"""Suites of simulated calls: drawn from a description, run, and scored from their own truth."""
