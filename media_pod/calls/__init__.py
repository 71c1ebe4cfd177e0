"""The calls of one pod: who has a slot, what peers know, how a drain ends."""
