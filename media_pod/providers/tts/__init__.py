"""Shared by text-to-speech providers: sentence splitting and word timing."""
