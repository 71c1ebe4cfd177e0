"""Reports for people: the HTML timeline, traces, Markdown tables."""
