"""Speech to speech: a model that hears the caller and speaks, behind OpenAI's Realtime API."""
