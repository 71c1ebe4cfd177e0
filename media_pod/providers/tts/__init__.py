"""What speech synthesis providers share: sentences, and where words lie in speech."""
