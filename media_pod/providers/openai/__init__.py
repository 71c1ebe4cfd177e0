"""Providers behind OpenAI-compatible HTTP APIs: language model, speech recognition and voice."""
