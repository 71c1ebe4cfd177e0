"""Whole calls in closed loop on a virtual clock."""
