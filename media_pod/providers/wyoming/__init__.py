"""Speech recognition and synthesis by servers of the Wyoming protocol.

The protocol: https://github.com/OHF-Voice/wyoming
"""
