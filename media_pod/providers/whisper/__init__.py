"""Speech-to-text by Whisper on the pod's own CPU."""
