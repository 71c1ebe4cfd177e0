"""The tables of a restaurant, as an MCP server over standard input and output.

Run by examples/booking.yaml; it needs the package mcp. The book is in memory and begins empty.
"""

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError

OPENS, CLOSES = 18, 22
"""Hours of the day at which a table can be booked, the last one included."""
SEATS = (2, 2, 4, 6)
"""Of each table."""

server = MCPServer("tables", log_level="ERROR")
booked: dict[tuple[str, int], set[int]] = {}
"""Tables that are taken, by day and hour."""


@server.tool()
def free_tables(day: str, hour: int, guests: int) -> dict[str, object]:
    """Says whether a table is free, and for how many guests.

    Args:
        day: such as Friday.
        hour: 18 to 22.
        guests: their number.
    """
    table = _free(day, hour, guests)
    return {"free": table is not None, "seats": 0 if table is None else SEATS[table]}


@server.tool()
def book_table(day: str, hour: int, guests: int, phone: str) -> dict[str, object]:
    """Books a table; returns the number of the booking.

    Args:
        day: such as Friday.
        hour: 18 to 22.
        guests: their number.
        phone: of the guest.
    """
    table = _free(day, hour, guests)
    if table is None:
        raise ToolError(f"no table for {guests} is free on {day} at {hour}")
    booked.setdefault((day, hour), set()).add(table)
    return {"booking": sum(map(len, booked.values())), "phone": phone}


def _free(day: str, hour: int, guests: int) -> int | None:
    """The number of the smallest free table; None if there is none."""
    if not OPENS <= hour <= CLOSES:
        raise ToolError(f"found the hour {hour}; allowed: {OPENS} to {CLOSES}")
    taken = booked.get((day, hour), set())
    return next((t for t, seats in enumerate(SEATS) if seats >= guests and t not in taken), None)


if __name__ == "__main__":
    server.run("stdio")
