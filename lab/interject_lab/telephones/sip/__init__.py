"""A real SIP/RTP telephone on the lab's simulated line: it calls through a real Asterisk."""
