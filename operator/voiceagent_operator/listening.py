"""Listening sockets of the operator's own servers, on IPv4 and IPv6."""

import errno
import socket
from typing import Final

ANYWHERE: Final = ""
"""All addresses of the host. Kubelets, Prometheus and the API server connect to the pod's address,
which is of the cluster's first family; clients of other families come by Services."""
_NO_IPV6: Final = frozenset({errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL})
"""The kernel has no IPv6, or it is turned off."""


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens on `host`, an address or `ANYWHERE`.

    Raises:
        OSError: it cannot be bound.
    """
    if host != ANYWHERE:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family)
    try:
        return socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)
    except OSError as error:
        if error.errno not in _NO_IPV6:
            raise
    return socket.create_server(("0.0.0.0", port))
