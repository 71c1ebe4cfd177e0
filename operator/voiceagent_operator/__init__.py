"""The operator: VoiceAgent resources become media pods, and extensions that can be called."""
