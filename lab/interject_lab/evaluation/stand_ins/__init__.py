"""Servers on loopback in place of the ones that an agent needs."""
