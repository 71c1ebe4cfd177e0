"""Scores of a call: stops, interruptions, delay error, ERLE."""
