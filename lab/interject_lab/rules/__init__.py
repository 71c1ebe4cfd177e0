"""Rules that decide when the caller speaks: the baselines."""
