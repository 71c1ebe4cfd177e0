"""Voices, noises and echo paths for simulated calls."""
