"""The agent whose words a language model writes: its text, clause by clause, for a voice."""
