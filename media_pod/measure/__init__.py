"""Measurements that users can repeat: the table of lines, the cost of a tick, a call by hand."""
