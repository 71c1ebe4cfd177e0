"""From one VoiceAgent to its children, pods, status and dialplan."""
