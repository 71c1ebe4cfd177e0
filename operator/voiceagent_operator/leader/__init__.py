"""What the leading replica does, and how it is elected."""
