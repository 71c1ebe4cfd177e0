"""Speech-to-text and text-to-speech providers, and their interfaces."""
