"""What to do and what to report. Pure; reads no cluster and no clock."""
