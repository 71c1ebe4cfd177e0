"""What a conversation needs from outside: speech recognition, speech synthesis, dialogue."""
