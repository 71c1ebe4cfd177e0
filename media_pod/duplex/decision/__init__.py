"""Barge-in detection: the predicted echo levels, and the detector."""
