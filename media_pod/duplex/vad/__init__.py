"""Voice activity detection: speech probability for all calls in one batch."""
