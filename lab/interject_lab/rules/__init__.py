"""Other ways to decide, to compare with."""
