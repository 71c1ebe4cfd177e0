"""The charts of a bench's report: each function returns one inline SVG."""
