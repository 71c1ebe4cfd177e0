"""Tools that a language model may call: HTTP requests, MCP servers; and templates of prompts."""
