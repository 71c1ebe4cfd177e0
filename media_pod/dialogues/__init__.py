"""What the bot says and does: dialogues, and the port that a call drives them by."""
