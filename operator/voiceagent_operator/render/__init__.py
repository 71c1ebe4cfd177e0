"""Rendering: from a VoiceAgent to the objects that run it. Pure; nothing here asks the cluster."""
