"""Where the echo lies in the caller's audio now."""
