"""What hangs on the pins of the header: buttons to ground, and a satellite receiver on the serial line."""

import contextlib
import socket
import threading
import time

# Registers of the BCM2837's GPIO block that set pins 0 to 31, and clear them. QEMU's model takes inputs for pins as well.
SET, CLEAR = 0x3F20001C, 0x3F200028
YES, NO = 23, 24
PULLED_UP = {YES, NO}
# The serial line's interrupts. QEMU's model takes the upper half of the speed for a word to this register, which switches
# them all off; this bit is for what is received.
INTERRUPTS, RECEIVED = 0x3F215044, 1
# In degrees and minutes, as receivers say it.
LATITUDE, LONGITUDE = "2218.0000,N", "11410.2000,E"
SENTENCES_EVERY_S = 1.0
LEVELS_EVERY_S = 1.0


class Header:
    """The wires, through QEMU's socket for tests, which reads and writes the registers of the chip."""

    def __init__(self, registers, line):
        self.socket = registers
        self.file = self.socket.makefile("rw")
        self.one_at_a_time = threading.Lock()
        self.line = line
        self.pressed = set()
        # QEMU knows no pull-up, and a start of the Pi by itself sets all levels low. Seldom, as it holds the Pi up.
        self.keep_doing(self.put_levels, LEVELS_EVERY_S)

    def keep_doing(self, what, every_s):
        """Until the Pi is switched off."""

        def work():
            with contextlib.suppress(OSError, ValueError):
                while True:
                    what()
                    time.sleep(every_s)

        threading.Thread(target=work, daemon=True).start()

    def write(self, register, value):
        with self.one_at_a_time:
            self.file.write(f"writel {register:#x} {value:#x}\n")
            self.file.flush()
            self.file.readline()

    def put_levels(self):
        bits = lambda pins: sum(1 << pin for pin in pins)
        self.write(SET, bits(PULLED_UP - self.pressed))
        self.write(CLEAR, bits(self.pressed))

    @contextlib.contextmanager
    def held(self, pin):
        """The button is held down."""
        self.press({pin})
        try:
            yield
        finally:
            self.press(set())

    def press(self, pins):
        self.pressed = pins
        self.put_levels()

    def start_receiver(self):
        """A satellite receiver that stands under the open sky, from now on."""
        self.keep_doing(self.say_where_and_when, SENTENCES_EVERY_S)

    def say_where_and_when(self):
        self.write(INTERRUPTS, RECEIVED)
        self.line.sendall(sentences(time.time()).encode())

    def unplug(self):
        self.line.close()
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


def sentence(body):
    check = 0
    for byte in body.encode():
        check ^= byte
    return f"${body}*{check:02X}\r\n"


def sentences(now):
    """What a receiver that stands still says once a second."""
    clock, date = time.strftime("%H%M%S.00 %d%m%y", time.gmtime(now)).split()
    return sentence(f"GPRMC,{clock},A,{LATITUDE},{LONGITUDE},0.0,0.0,{date},,,A") + sentence(
        f"GPGGA,{clock},{LATITUDE},{LONGITUDE},1,09,0.9,20.0,M,0.0,M,,"
    )
