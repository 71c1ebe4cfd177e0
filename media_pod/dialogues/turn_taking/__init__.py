"""Turn-taking: when the caller's turn is over, and what is no turn at all."""
