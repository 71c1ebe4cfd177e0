"""Text-to-speech by Piper voices on the pod's own CPU."""
