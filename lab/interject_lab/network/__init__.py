"""The simulated telephone line: codec, echo path, delay, noise, levels."""
