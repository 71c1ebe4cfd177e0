"""The scenario document."""
