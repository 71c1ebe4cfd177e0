"""Simulated callers and their telephones: AudioSocket and SIP."""
