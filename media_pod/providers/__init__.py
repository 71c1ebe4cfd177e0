"""Speech recognition and speech synthesis, and the port of each."""
