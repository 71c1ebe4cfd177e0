"""One conversation: its turns, what it is saying, and what of that was heard."""
