import socket

from local_cloud.ports import ADDRESS, Ports, is_free


def listening():
    server = socket.socket()
    server.bind((ADDRESS, 0))
    server.listen()
    return server


def two_free_ports():
    return next(port for port in range(20_000, 60_000, 10) if is_free(port) and is_free(port + 1))


def test_ports_are_consecutive_from_the_first():
    first = two_free_ports()
    ports = Ports(first=first)

    assert [ports.take("aws"), ports.take("api")] == [first, first + 1]
    assert ports.taken == {"aws": first, "api": first + 1}


def test_port_of_the_last_start_is_preferred():
    first = two_free_ports()

    assert Ports({"api": first + 1}, first=first).take("api") == first + 1


def test_port_in_use_is_replaced_by_a_free_one():
    with listening() as server:
        used = server.getsockname()[1]
        port = Ports({"aws": used}).take("aws")

    assert port not in (0, used)


def test_port_is_chosen_by_the_system_without_a_preference():
    assert Ports().take("aws") == 0
