"""A pipecat pipeline as a dialogue: it runs in a process beside the pod."""
