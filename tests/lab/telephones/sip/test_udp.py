"""The telephone's socket: what came, when, and nothing that stops a call."""

import socket

from interject_lab.telephones.sip.udp import HOST, reaches, rtp_socket

NOW_NS = 10**18


def test_datagrams_come_in_order_with_their_sender_and_their_time() -> None:
    with rtp_socket(lambda: NOW_NS) as ours, socket.socket(type=socket.SOCK_DGRAM) as other:
        other.bind((HOST, 0))
        for payload in (b"one", b"two"):
            other.sendto(payload, ours.address)

        came = list(ours.receive())

        assert [datagram.data for datagram in came] == [b"one", b"two"]
        assert {datagram.sender for datagram in came} == {other.getsockname()}
        assert NOW_NS - 10**9 < came[0].at_ns <= NOW_NS, "by the telephone's clock"
        assert list(ours.receive()) == []


def test_a_datagram_that_waited_has_the_time_at_which_it_came() -> None:
    now_ns = 0
    with rtp_socket(lambda: now_ns) as ours, socket.socket(type=socket.SOCK_DGRAM) as other:
        other.sendto(b"early", ours.address)
        first = next(ours.receive())
        other.sendto(b"late", ours.address)
        waited = next(ours.receive())
    assert first.at_ns <= 0 and waited.at_ns <= 0, "before the clock was asked, if only by a little"


def test_a_closed_port_on_the_other_side_is_no_error() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as gone:
        gone.bind((HOST, 0))
        address = gone.getsockname()
    with rtp_socket(lambda: 0) as ours:
        for _ in range(3):
            ours.send(b"anybody?", address)
            assert list(ours.receive()) == []


def test_a_machine_knows_its_own_address_on_the_way_to_a_server() -> None:
    assert reaches("127.0.0.1") == "127.0.0.1"
    assert reaches("127.0.0.9") == "127.0.0.1"
