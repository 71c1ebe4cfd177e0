"""The demonstration: one caller, one bad line, three ways to listen."""
