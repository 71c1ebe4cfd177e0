"""The demonstration: one caller, one bad line, three listening modes."""
