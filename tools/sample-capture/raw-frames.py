#!/usr/bin/env python3
"""Frames for the sample capture which the kernel may not be able to make itself:
SCTP, VLAN tags (802.1Q, 802.1ad), IPv6 extension headers, IPv4 options.

Usage: raw-frames.py <interface>

Two made-up hosts on the interface's link talk to each other. Their MAC addresses belong to no interface,
so that no kernel answers. Needs root (AF_PACKET). Standard library only.
"""

import ipaddress
import socket
import struct
import sys
import time

# Two hosts: (MAC, IPv4, IPv6).
A = (bytes.fromhex("020000000b40"), "10.11.0.40", "fd00:11::40")
B = (bytes.fromhex("020000000b50"), "10.11.0.50", "fd00:11::50")

ETH_IPV4, ETH_IPV6 = 0x0800, 0x86DD
VLAN, SERVICE_VLAN = 0x8100, 0x88A8
TCP, UDP, SCTP = 6, 17, 132
HOP_BY_HOP, ROUTING, DESTINATION, NO_NEXT = 0, 43, 60, 59
FIN, SYN, PSH, ACK = 0x01, 0x02, 0x08, 0x10


# --- checksums ---------------------------------------------------------------------------------

def internet_checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def pseudo_header(source, destination, protocol, length):
    addresses = ipaddress.ip_address(source).packed + ipaddress.ip_address(destination).packed
    if ":" in source:
        return addresses + struct.pack("!IHBB", length, 0, 0, protocol)
    return addresses + struct.pack("!BBH", 0, protocol, length)


# --- transport ---------------------------------------------------------------------------------

def udp(source, destination, sport, dport, payload):
    length = 8 + len(payload)
    segment = struct.pack("!HHHH", sport, dport, length, 0) + payload
    checksum = internet_checksum(pseudo_header(source, destination, UDP, length) + segment) or 0xFFFF
    return segment[:6] + struct.pack("!H", checksum) + segment[8:]


def tcp(source, destination, sport, dport, seq, ack, flags, payload=b"", options=b""):
    offset = (20 + len(options)) // 4
    header = struct.pack("!HHIIBBHHH", sport, dport, seq, ack, offset << 4, flags, 64240, 0, 0)
    segment = header + options + payload
    checksum = internet_checksum(pseudo_header(source, destination, TCP, len(segment)) + segment)
    return segment[:16] + struct.pack("!H", checksum) + segment[18:]


def sctp(sport, dport, tag, *chunks):
    packet = struct.pack("!HHII", sport, dport, tag, 0) + b"".join(chunks)
    return packet[:8] + struct.pack("<I", crc32c(packet)) + packet[12:]


# --- network and link --------------------------------------------------------------------------

ident = 0x4000


def ipv4(source, destination, protocol, payload, options=b"", ttl=64, tos=0):
    global ident
    ident += 1
    length = 20 + len(options) + len(payload)
    header = struct.pack(
        "!BBHHHBBH4s4s", 0x40 | (20 + len(options)) // 4, tos, length, ident, 0x4000, ttl, protocol, 0,
        socket.inet_aton(source), socket.inet_aton(destination),
    ) + options
    return header[:10] + struct.pack("!H", internet_checksum(header)) + header[12:] + payload


def ipv6(source, destination, next_header, payload, hop_limit=64, traffic_class=0, flow=0x12345):
    first = 6 << 28 | traffic_class << 20 | flow
    header = struct.pack("!IHBB", first, len(payload), next_header, hop_limit)
    return header + ipaddress.ip_address(source).packed + ipaddress.ip_address(destination).packed + payload


def ethernet(source, destination, ethertype, payload, tags=()):
    """tags: (TPID, VLAN id, priority), outermost first. Padded to 60 bytes, as Ethernet asks."""
    head = destination + source
    for tpid, vid, priority in tags:
        head += struct.pack("!HH", tpid, priority << 13 | vid)
    return (head + struct.pack("!H", ethertype) + payload).ljust(60, b"\0")


def between(source, destination, version, protocol, payload, tags=(), **more):
    """A frame from host to host over IPv4 or IPv6."""
    if version == 4:
        return ethernet(source[0], destination[0], ETH_IPV4,
                        ipv4(source[1], destination[1], protocol, payload, **more), tags)
    return ethernet(source[0], destination[0], ETH_IPV6,
                    ipv6(source[2], destination[2], protocol, payload, **more), tags)


def address(host, version):
    return host[1] if version == 4 else host[2]


# --- conversations: each gives frames in order -------------------------------------------------

def udp_exchange(version, sport, dport, question, answer, tags=()):
    a, b = address(A, version), address(B, version)
    yield between(A, B, version, UDP, udp(a, b, sport, dport, question), tags)
    yield between(B, A, version, UDP, udp(b, a, dport, sport, answer), tags)


def tcp_conversation(version, sport, dport, question, answer, tags=()):
    a, b = address(A, version), address(B, version)
    x, y = 0x10203040, 0x50607080
    mss = struct.pack("!BBH", 2, 4, 1440 if version == 4 else 1420)

    def to_b(flags, payload=b"", options=b""):
        return between(A, B, version, TCP, tcp(a, b, sport, dport, x, y if flags & ACK else 0, flags, payload, options), tags)

    def to_a(flags, payload=b"", options=b""):
        return between(B, A, version, TCP, tcp(b, a, dport, sport, y, x, flags, payload, options), tags)

    yield to_b(SYN, options=mss)
    x += 1
    yield to_a(SYN | ACK, options=mss)
    y += 1
    yield to_b(ACK)
    yield to_b(PSH | ACK, question)
    x += len(question)
    yield to_a(ACK)
    yield to_a(PSH | ACK, answer)
    y += len(answer)
    yield to_b(ACK)
    yield to_b(FIN | ACK)
    x += 1
    yield to_a(FIN | ACK)
    y += 1
    yield to_b(ACK)


def padded(data):
    return data + b"\0" * (-len(data) % 4)


def chunk(kind, flags, value=b""):
    """The length counts neither the padding of the chunk nor that of its last parameter."""
    return padded(struct.pack("!BBH", kind, flags, 4 + len(value)) + value)


def parameter(kind, value):
    """Always the last (and only) one of its chunk, so that the chunk pads it."""
    return struct.pack("!HH", kind, 4 + len(value)) + value


def data_chunk(tsn, stream, sequence, payload):
    # Flags: beginning and end of the message, acknowledge at once. Payload protocol 0: not said.
    return chunk(0, 0x0B, struct.pack("!IHHI", tsn, stream, sequence, 0) + payload)


def sack(tsn):
    return chunk(3, 0, struct.pack("!IIHH", tsn, 106496, 0, 0))


def sctp_association(version, sport, dport, messages):
    """Handshake, a heartbeat, the messages (each answered), shutdown. RFC 9260."""
    tag_a, tag_b = 0xA1A2A300 + version, 0xB1B2B300 + version
    tsn_a, tsn_b = 1000, 5000
    cookie = bytes(range(64))

    def to_b(*chunks, tag=tag_b):
        return between(A, B, version, SCTP, sctp(sport, dport, tag, *chunks))

    def to_a(*chunks):
        return between(B, A, version, SCTP, sctp(dport, sport, tag_a, *chunks))

    def init(tag, tsn):
        return struct.pack("!IIHHI", tag, 106496, 10, 10, tsn)

    address_types = parameter(12, struct.pack("!H", 5 if version == 4 else 6))
    yield to_b(chunk(1, 0, init(tag_a, tsn_a) + address_types), tag=0)
    yield to_a(chunk(2, 0, init(tag_b, tsn_b) + parameter(7, cookie)))
    yield to_b(chunk(10, 0, cookie))
    yield to_a(chunk(11, 0))
    heartbeat = parameter(1, b"sample heartbeat")
    yield to_b(chunk(4, 0, heartbeat))
    yield to_a(chunk(5, 0, heartbeat))
    for sequence, message in enumerate(messages):
        yield to_b(data_chunk(tsn_a, 1, sequence, message))
        yield to_a(sack(tsn_a), data_chunk(tsn_b, 1, sequence, b"ok: " + message))
        yield to_b(sack(tsn_b))
        tsn_a += 1
        tsn_b += 1
    yield to_b(chunk(7, 0, struct.pack("!I", tsn_b - 1)))  # SHUTDOWN
    yield to_a(chunk(8, 0))  # SHUTDOWN ACK
    yield to_b(chunk(14, 0))  # SHUTDOWN COMPLETE


def sctp_refused(version, sport, dport):
    """INIT to a port with nobody behind it: ABORT."""
    tag = 0xC1C2C3C4
    init = chunk(1, 0, struct.pack("!IIHHI", tag, 106496, 10, 10, 77))
    yield between(A, B, version, SCTP, sctp(sport, dport, 0, init))
    yield between(B, A, version, SCTP, sctp(dport, sport, tag, chunk(6, 0)))


def extension(next_header, body):
    """Hop-by-hop or destination options: the body is padded to a multiple of eight with PadN."""
    missing = -(2 + len(body)) % 8
    if missing == 1:
        body += b"\0"
    elif missing:
        body += bytes([1, missing - 2]) + b"\0" * (missing - 2)
    return bytes([next_header, (2 + len(body)) // 8 - 1]) + body


def segment_routing(next_header, segments_left, *segments):
    """Routing header type 4 (RFC 8754): segments in reverse order, the last one first."""
    packed = b"".join(ipaddress.ip_address(segment).packed for segment in segments)
    return bytes([next_header, len(packed) // 8, 4, segments_left, len(segments) - 1, 0, 0, 0]) + packed


def ipv6_with_extensions():
    a, b = A[2], B[2]
    router_alert = bytes.fromhex("05020000")
    tunnel_limit = bytes.fromhex("040104")
    datagram = udp(a, b, 40600, 40000, b"behind extension headers")

    yield between(A, B, 6, HOP_BY_HOP, extension(UDP, router_alert) + datagram)
    yield between(A, B, 6, DESTINATION, extension(UDP, tunnel_limit) + datagram)
    # On the way to its last segment: the address in the header is B's, the pseudo header has the last one.
    last = "fd00:11::60"
    yield between(A, B, 6, ROUTING,
                  segment_routing(UDP, 1, last, b) + udp(a, last, 40600, 40000, b"on the way"))
    # Arrived: no segments left.
    yield between(A, B, 6, ROUTING, segment_routing(UDP, 0, b, "fd00:11::1") + datagram)
    # All of them, with TCP at the end.
    syn = tcp(a, b, 40601, 8080, 0x01020304, 0, SYN, options=struct.pack("!BBH", 2, 4, 1420))
    chain = extension(DESTINATION, router_alert)
    chain += extension(ROUTING, tunnel_limit)
    chain += segment_routing(DESTINATION, 0, b, "fd00:11::1")
    chain += extension(TCP, tunnel_limit)
    yield between(A, B, 6, HOP_BY_HOP, chain + syn)
    # Nothing behind the destination options.
    yield between(A, B, 6, DESTINATION, extension(NO_NEXT, tunnel_limit))


def ipv4_with_options():
    a, b = A[1], B[1]
    datagram = udp(a, b, 40500, 40000, b"behind IPv4 options")
    router_alert = bytes.fromhex("94040000")
    record_route = bytes([7, 15, 8]) + socket.inet_aton(a) + bytes(8) + b"\0"  # one of three slots used
    timestamp = bytes([68, 12, 5, 0]) + bytes(8)
    every = b"\x01" + timestamp + record_route[:15] + router_alert  # a multiple of four by itself
    for options in (router_alert, record_route, timestamp, every):
        yield between(A, B, 4, UDP, datagram, options=options)
    syn = tcp(a, b, 40501, 8080, 0x01020304, 0, SYN, options=struct.pack("!BBH", 2, 4, 1440))
    yield between(A, B, 4, TCP, syn, options=router_alert, tos=0x10)


def frames():
    one = ((VLAN, 100, 0),)
    two = ((SERVICE_VLAN, 200, 3), (VLAN, 30, 5))
    messages = [b"first message", b"second message, a little longer", b"third"]
    yield from sctp_association(4, 40100, 7777, messages)
    yield from sctp_association(6, 40100, 7777, messages)
    yield from sctp_refused(4, 40101, 7778)
    yield from sctp_refused(6, 40101, 7778)
    for version in (4, 6):
        for count, tags in enumerate((one, two), 1):
            yield from udp_exchange(version, 40200 + count, 40000, b"tagged?", b"tagged!", tags)
            yield from tcp_conversation(version, 40300 + count, 8080, b"tagged question\n", b"tagged answer\n", tags)
    yield from ipv4_with_options()
    yield from ipv6_with_extensions()


def main():
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    link.bind((sys.argv[1], 0))
    for frame in frames():
        link.send(frame)
        time.sleep(0.002)


main()
