"""Rules that decide when the caller speaks: those of other voice agents, and simple ones.

Each is a `DuplexBank`, so that a bench and the demo can run it on the same calls as the product.
registry.py has them by name.
"""
