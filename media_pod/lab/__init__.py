"""A simulated telephone network: the line, the caller, the score, the report."""
