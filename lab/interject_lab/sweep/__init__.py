"""Three baselines over eighteen kinds of line, on the virtual clock."""
