"""Cases on a real Asterisk; `make test-asterisk` runs them."""
