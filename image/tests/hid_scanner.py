"""A barcode scanner in USB HID point-of-sale mode, at the far end of QEMU's usb-redir device.

Its protocol (usbredir 0.7) in short: a header of type, length and number goes before each message; both ends say hello;
this end, which has the device, tells of its interfaces, endpoints and its plugging in, answers control transfers, and
sends reports once the guest asks for them.
"""

import socket
import struct
import threading

HELLO, CONNECT, INTERFACES, ENDPOINTS = 0, 1, 4, 5
SET_CONFIGURATION, GET_CONFIGURATION, CONFIGURATION = 6, 7, 8
SET_ALTERNATE, GET_ALTERNATE, ALTERNATE = 9, 10, 11
START_REPORTS, STOP_REPORTS, REPORTS_STATUS = 15, 16, 17
CONTROL, INTERRUPT = 100, 103
# Endpoints are told with their packet sizes; numbers have 64 bits.
ABLE_TO = 1 << 4 | 1 << 5
OK, STALL = 0, 4
FULL_SPEED, HID_CLASS, BY_INTERRUPT, NONE = 1, 3, 3, 255
REPORTS_IN = 0x81
# Tables of endpoints hold 16 out, then 16 in.
REPORTS_ROW = 17

VENDOR, PRODUCT = 0x1209, 0x0001
SERIAL = "WPPOS1"
STRINGS = ("Waypost tests", "Point of sale scanner", SERIAL)
REPORT_BYTES, DATA_BYTES = 64, 56
# The report of most vendors (HID POS, usage page 0x8C): id 2, byte count, three of symbology, 56 of data, two more, and
# the bit that says that the code goes on.
REPORT_DESCRIPTOR = bytes.fromhex(
    "058c 0902 a101 0912 a102 8502 1500 26ff00 7508 9501 0501 093b 8102 058c 09fb 09fc 09fd 9503 8102 09fe 9538 820201"
    "0666ff 0904 9501 8102 0905 8102 058c 09ff 2501 7501 9501 8102 9507 8103 c0 c0"
)
DEVICE = struct.pack("<BBHBBBBHHHBBBB", 18, 1, 0x0200, 0, 0, 0, 64, VENDOR, PRODUCT, 0x0100, 1, 2, 3, 1)
HID = struct.pack("<BBHBBBH", 9, 0x21, 0x0111, 0, 1, 0x22, len(REPORT_DESCRIPTOR))
CONFIGURED = (
    struct.pack("<BBBBBBBBB", 9, 4, 0, 0, 1, HID_CLASS, 0, 0, 0) + HID + struct.pack("<BBBBHB", 7, 5, REPORTS_IN, 3, REPORT_BYTES, 10)
)
CONFIGURATION_DESCRIPTOR = struct.pack("<BBHBBBBB", 9, 2, 9 + len(CONFIGURED), 1, 1, 0, 0x80, 50) + CONFIGURED


def descriptor(kind, index):
    if kind == 1:
        return DEVICE
    if kind == 2:
        return CONFIGURATION_DESCRIPTOR
    if kind == 3 and index == 0:
        return bytes((4, 3, 9, 4))
    if kind == 3 and index <= len(STRINGS):
        text = STRINGS[index - 1].encode("utf-16-le")
        return bytes((len(text) + 2, 3)) + text
    if kind == 0x21:
        return HID
    if kind == 0x22:
        return REPORT_DESCRIPTOR
    return None


class HidScanner:
    """Plugged in as soon as QEMU is reached; unplugged by `unplug`, or when QEMU ends."""

    def __init__(self, path):
        self.line = socket.socket(socket.AF_UNIX)
        self.line.connect(str(path))
        self.writing = threading.Lock()
        self.wide = False
        self.wanted = threading.Event()
        self.number = 0
        threading.Thread(target=self.serve, daemon=True).start()

    def send(self, kind, body, number=0):
        with self.writing:
            self.line.sendall(struct.pack("<IIQ" if self.wide else "<III", kind, len(body), number) + body)

    def take(self, size):
        parts = b""
        while len(parts) < size:
            part = self.line.recv(size - len(parts))
            if not part:
                raise EOFError
            parts += part
        return parts

    def serve(self):
        try:
            self.send(HELLO, b"waypost tests".ljust(64, b"\0") + struct.pack("<I", ABLE_TO))
            while True:
                kind, length, number = struct.unpack("<IIQ" if self.wide else "<III", self.take(16 if self.wide else 12))
                self.answer(kind, number, self.take(length))
        except (OSError, EOFError):
            self.wanted.clear()

    def tell_endpoints(self):
        self.send(INTERFACES, struct.pack("<I", 1) + bytes(32) + bytes((HID_CLASS,)) + bytes(31 + 64))
        kinds, intervals, sizes = bytearray((NONE,)) * 32, bytearray(32), [0] * 32
        kinds[0] = kinds[16] = 0
        sizes[0] = sizes[16] = 64
        kinds[REPORTS_ROW], intervals[REPORTS_ROW], sizes[REPORTS_ROW] = BY_INTERRUPT, 10, REPORT_BYTES
        self.send(ENDPOINTS, bytes(kinds) + bytes(intervals) + bytes(32) + struct.pack("<32H", *sizes))

    def answer(self, kind, number, body):
        if kind == HELLO:
            self.wide = len(body) > 64 and bool(struct.unpack_from("<I", body, 64)[0] & 1 << 5)
            self.tell_endpoints()
            self.send(CONNECT, struct.pack("<BBBBHH", FULL_SPEED, 0, 0, 0, VENDOR, PRODUCT))
        elif kind in (SET_CONFIGURATION, GET_CONFIGURATION):
            self.tell_endpoints()
            self.send(CONFIGURATION, bytes((OK, 1)), number)
        elif kind in (SET_ALTERNATE, GET_ALTERNATE):
            self.tell_endpoints()
            self.send(ALTERNATE, bytes((OK, 0, 0)), number)
        elif kind in (START_REPORTS, STOP_REPORTS):
            self.send(REPORTS_STATUS, bytes((OK, REPORTS_IN)), number)
            self.wanted.set() if kind == START_REPORTS else self.wanted.clear()
        elif kind == CONTROL:
            self.control(number, body)

    def control(self, number, body):
        endpoint, request, request_type, _, value, index, length = struct.unpack_from("<BBBBHHH", body)
        data, status = b"", OK
        if request == 6 and request_type & 0x80:
            found = descriptor(value >> 8, value & 0xFF)
            data, status = (found[:length], OK) if found is not None else (b"", STALL)
        elif request_type & 0x80:
            # Status of the device or of an endpoint: nothing halted, powered by the bus.
            data = bytes(length)
        size = len(data) if request_type & 0x80 else length
        head = struct.pack("<BBBBHHH", endpoint, request, request_type, status, value, index, size)
        self.send(CONTROL, head + data, number)

    def scan(self, text, symbology=b"]C0", patience_s=240):
        """Reads a code: as many reports as it needs. True if the guest wanted reports."""
        if not self.wanted.wait(patience_s):
            return False
        code = text.encode()
        pieces = [code[at : at + DATA_BYTES] for at in range(0, len(code), DATA_BYTES)]
        for at, piece in enumerate(pieces):
            report = bytes((2, len(piece))) + symbology + piece.ljust(DATA_BYTES, b"\0") + bytes((0, 0, at + 1 < len(pieces)))
            self.number += 1
            self.send(INTERRUPT, struct.pack("<BBH", REPORTS_IN, OK, len(report)) + report, self.number)
        return True

    def unplug(self):
        self.line.close()
