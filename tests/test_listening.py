"""Which families a listening socket serves, and how addresses are written."""

import errno
import socket

import pytest

from media_pod.listening import ANYWHERE, host_port, listen


def reaches(family: socket.AddressFamily, address: str, port: int) -> bool:
    with socket.socket(family) as client:
        return client.connect_ex((address, port)) == 0


def test_the_any_address_of_ipv6_serves_both_families() -> None:
    with listen(ANYWHERE, 0) as listener:
        port = listener.getsockname()[1]
        assert reaches(socket.AF_INET6, "::1", port)
        assert reaches(socket.AF_INET, "127.0.0.1", port)


@pytest.mark.parametrize("code", [errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL])
def test_without_ipv6_the_any_address_is_that_of_ipv4(
    monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """As in a container of a cluster without IPv6."""
    made = socket.create_server

    def without_ipv6(address: tuple[str, int], **more: object) -> socket.socket:
        if more.get("family") == socket.AF_INET6:
            raise OSError(code, "no IPv6 here")
        return made(address, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "create_server", without_ipv6)
    with listen(ANYWHERE, 0) as listener:
        assert listener.getsockname()[0] == "0.0.0.0"
        assert reaches(socket.AF_INET, "127.0.0.1", listener.getsockname()[1])
    with pytest.raises(OSError, match="no IPv6"):
        listen("::1", 0)


def test_a_port_in_use_is_no_lack_of_ipv6() -> None:
    with listen(ANYWHERE, 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match="in use"):
            listen(ANYWHERE, port)


def test_one_address_serves_its_family_alone() -> None:
    with listen("127.0.0.1", 0) as listener:
        assert listener.family is socket.AF_INET
    with listen("::1", 0) as listener:
        assert listener.family is socket.AF_INET6


@pytest.mark.parametrize(
    ("address", "text"),
    [
        (("10.1.2.3", 3000), "10.1.2.3:3000"),
        (("::1", 3000, 0, 0), "[::1]:3000"),
        (("::ffff:10.1.2.3", 3000, 0, 0), "10.1.2.3:3000"),
        (("pod-1", 3000), "pod-1:3000"),
    ],
)
def test_an_address_is_written_with_brackets_where_it_needs_them(
    address: tuple[str, int], text: str
) -> None:
    assert host_port(*address[:2]) == text
