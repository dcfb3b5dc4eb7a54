from __future__ import annotations

import socket

from local_cloud.ports import ADDRESS, Ports, is_free


def listening() -> socket.socket:
    server = socket.socket()
    server.bind((ADDRESS, 0))
    server.listen()
    return server


def two_free_ports() -> int:
    """Return the first of two consecutive free ports."""
    return next(port for port in range(20_000, 60_000, 10) if is_free(port) and is_free(port + 1))


def test_ports_follow_the_first_one() -> None:
    first = two_free_ports()
    ports = Ports(first=first)

    assert [ports.take("aws"), ports.take("api")] == [first, first + 1]
    assert ports.taken == {"aws": first, "api": first + 1}


def test_port_of_the_last_start_goes_before_the_next_one() -> None:
    first = two_free_ports()

    assert Ports({"api": first + 1}, first=first).take("api") == first + 1


def test_port_that_another_program_uses_is_replaced_by_a_free_one() -> None:
    with listening() as server:
        used = server.getsockname()[1]
        port = Ports({"aws": used}).take("aws")

    assert port not in (0, used)


def test_any_port_will_do_where_none_is_wanted() -> None:
    assert Ports().take("aws") == 0
