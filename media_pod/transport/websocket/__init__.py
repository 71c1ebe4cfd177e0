"""Asterisk's media over WebSocket (chan_websocket): messages, its queue, connection and server."""
