"""Echo delay estimation."""
