"""The duplex core: arrays in, decisions out; no clock, no event loop, no sockets."""
