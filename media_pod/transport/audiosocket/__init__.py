"""The AudioSocket protocol: bytes to frames without I/O, and one thin asyncio face."""
