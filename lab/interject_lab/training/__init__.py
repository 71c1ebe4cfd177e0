"""Makes the weights of the learned judge: records calls, fits networks, chooses thresholds."""
