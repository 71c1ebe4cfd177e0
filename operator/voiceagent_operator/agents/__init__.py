"""VoiceAgents: as objects, by name, and all of them. Pure."""
