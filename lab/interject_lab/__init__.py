"""The lab: a simulated telephone network, scores, benches and the demonstration."""
