"""The VoiceAgent: its models, its validation, its file, and its CustomResourceDefinition."""
