"""Speech probability for all calls in one batch."""
