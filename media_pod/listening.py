"""Listening sockets for IPv6 and IPv4, and how their addresses are written."""

import errno
import socket
from typing import Final

BACKLOG: Final = 1024
ANYWHERE: Final = "::"
"""All addresses of the host, of both families."""
_NO_IPV6: Final = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL)
_MAPPED: Final = "::ffff:"
"""Prefix of IPv4 addresses on a socket for both families."""


def listen(host: str, port: int) -> socket.socket:
    """A non-blocking listening socket.

    Args:
        host: address to bind. `ANYWHERE` serves IPv6 and IPv4, or IPv4 alone where there is no
            IPv6.
        port: 0 lets the system choose.

    Raises:
        OSError: the address cannot be bound.
    """
    try:
        listener = _bound(host, port)
    except OSError as error:
        if host != ANYWHERE or error.errno not in _NO_IPV6:
            raise
        listener = _bound("0.0.0.0", port)
    listener.setblocking(False)
    return listener


def host_port(host: str, port: int) -> str:
    """`host:port`, with brackets around an IPv6 address, and an IPv4 address as such."""
    host = host.removeprefix(_MAPPED)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _bound(host: str, port: int) -> socket.socket:
    return socket.create_server(
        (host, port),
        family=socket.AF_INET6 if ":" in host else socket.AF_INET,
        backlog=BACKLOG,
        # The default of asyncio and of create_server is IPv6 alone.
        dualstack_ipv6=host == ANYWHERE and socket.has_dualstack_ipv6(),
    )
