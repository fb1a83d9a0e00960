"""Seals and a radio made with Bumble, a Bluetooth stack of its own: a real peer for the seal reader.

A Bumble controller is the radio, behind a pseudo-terminal; each seal is a Bumble controller too, told by HCI commands to
advertise on the same (simulated) air. A seal sends encrypted BTHome v2 with a counter that rises with each advertisement
(bthome.io; AES-128-CCM, nonce address + UUID + device information + counter). Telephones advertise beside them.

Usage: bumble_seals.py PTY [--legacy] [--interval-ms N] [--telephones N] SEAL...
    PTY      the path at which the radio is to be found, a link to the pseudo-terminal
    --legacy a radio that knows no extended advertising
    SEAL     ADDRESS,KEY,KIND: KIND is legacy or extended

Prints "ready", then reads commands, one a line, and prints one line of JSON for each:
    open ADDRESS, close ADDRESS     changes a seal's state; the count of openings rises with each opening
    shield ADDRESS, unshield ADDRESS  the radio does not hear the seal, which goes on; or does again
    record ADDRESS N                an attacker keeps a copy of each of the seal's next N frames
    count ADDRESS                   {"counter": of the seal's latest frame, "copies": that the attacker has}
    play ADDRESS                    ... sends the copies from the seal's address, one an interval, the last one for ever
    plain ADDRESS                   ... sends unencrypted frames that say "closed" from the seal's address
    stop                            ... sends nothing any more
    jump ADDRESS N                  the seal's counter goes N forward at once, as who has its key can make it
    quiet, loud                     all seals and telephones stop or go on sending
    sent                            {ADDRESS: [counters that were on the air while the radio scanned]}
    mute, unmute                    the radio answers nothing and reports nothing; or does again
    deaf                            the radio's scan dies without a word, until it is switched on again
    fail                            the radio resets itself and says so: Hardware Error
    noise N                         N bytes of noise on the line
    scanning                        whether the radio scans, and how often it was reset
"""

import argparse
import asyncio
import json
import random
import sys

from bumble import hci
from bumble.controller import Controller
from bumble.link import LocalLink
from bumble.transport.pty import open_pty_transport
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

UUID = bytes.fromhex("d2fc")
INFO = b"\x41"  # encrypted, version 2
FLAGS = b"\x02\x01\x04"
UNIT_MS = 0.625


class Air(LocalLink):
    """The air; it tells each seal what of it was sent."""

    def __init__(self):
        super().__init__()
        self.radio = None
        self.seals = {}

    def send_advertising_pdu(self, sender_controller, packet):
        seal = self.seals.get(sender_controller)
        if not (seal and seal.shielded):
            super().send_advertising_pdu(sender_controller, packet)
        if seal:
            seal.was_sent(self.radio.hears() and not seal.shielded)


class Radio(Controller):
    """The reader's controller, which can be broken."""

    def __init__(self, air, legacy):
        super().__init__("radio", link=air, public_address="C0:FF:EE:00:00:01")
        self.muted = False
        self.deafened = False
        self.resets = 0
        if legacy:
            self.le_features &= ~hci.LeFeatureMask.LE_EXTENDED_ADVERTISING

    def hears(self):
        return self.le_scan_enable and not self.muted and not self.deafened

    def on_packet(self, packet):
        if self.muted:
            return
        scan_on = (hci.HCI_LE_SET_SCAN_ENABLE_COMMAND, hci.HCI_LE_SET_EXTENDED_SCAN_ENABLE_COMMAND)
        opcode = int.from_bytes(packet[1:3], "little")
        if opcode == hci.HCI_RESET_COMMAND:
            self.resets += 1
        if opcode in scan_on and packet[4] == 1:
            self.deafened = False
        super().on_packet(packet)

    def on_ll_advertising_pdu(self, packet):
        if not self.muted and not self.deafened:
            super().on_ll_advertising_pdu(packet)


class Advertiser:
    """A controller that advertises what it is given, legacy or extended."""

    def __init__(self, air, address, extended, interval_ms):
        self.controller = Controller(address, link=air, public_address=address)
        self.extended = extended
        self.interval_ms = interval_ms

    def command(self, command):
        self.controller.on_packet(bytes(command))

    def start(self):
        if not self.extended:
            self.command(
                hci.HCI_LE_Set_Advertising_Parameters_Command(
                    # Bumble takes these as milliseconds.
                    advertising_interval_min=self.interval_ms,
                    advertising_interval_max=self.interval_ms,
                    advertising_type=0,
                    own_address_type=hci.OwnAddressType.PUBLIC,
                    peer_address_type=0,
                    peer_address=hci.Address.ANY,
                    advertising_channel_map=7,
                    advertising_filter_policy=0,
                )
            )
        else:
            interval = int(self.interval_ms / UNIT_MS)
            self.command(
                hci.HCI_LE_Set_Extended_Advertising_Parameters_Command(
                    advertising_handle=0,
                    advertising_event_properties=0,
                    primary_advertising_interval_min=interval,
                    primary_advertising_interval_max=interval,
                    primary_advertising_channel_map=7,
                    own_address_type=hci.OwnAddressType.PUBLIC,
                    peer_address_type=0,
                    peer_address=hci.Address.ANY,
                    advertising_filter_policy=0,
                    advertising_tx_power=0,
                    primary_advertising_phy=1,
                    secondary_advertising_max_skip=0,
                    secondary_advertising_phy=1,
                    advertising_sid=1,
                    scan_request_notification_enable=0,
                )
            )
        self.set_data()
        self.enable(1)

    def enable(self, on):
        if not self.extended:
            self.command(hci.HCI_LE_Set_Advertising_Enable_Command(advertising_enable=on))
        else:
            self.command(
                hci.HCI_LE_Set_Extended_Advertising_Enable_Command(
                    enable=on, advertising_handles=[0], durations=[0], max_extended_advertising_events=[0]
                )
            )

    def set_data(self):
        data = self.data()
        if not self.extended:
            self.command(hci.HCI_LE_Set_Advertising_Data_Command(advertising_data=data))
        else:
            self.command(
                hci.HCI_LE_Set_Extended_Advertising_Data_Command(
                    advertising_handle=0,
                    operation=hci.HCI_LE_Set_Extended_Advertising_Data_Command.Operation.COMPLETE_DATA,
                    fragment_preference=1,
                    advertising_data=data,
                )
            )


class Seal(Advertiser):
    """A seal: each advertisement is a new frame."""

    def __init__(self, air, address, key, extended, interval_ms):
        super().__init__(air, address, extended, interval_ms)
        self.address = bytes.fromhex(address.replace(":", ""))
        self.cipher = AESCCM(bytes.fromhex(key), tag_length=4)
        self.counter = 0
        self.openings = 0
        self.is_open = False
        self.on_air = []
        self.shielded = False
        self.sending = b""
        self.copies = []
        self.wanted = 0
        air.seals[self.controller] = self

    def data(self):
        self.counter += 1
        count = self.counter.to_bytes(4, "little")
        objects = bytes([0x00, self.counter % 256, 0x01, 100, 0x11, self.is_open, 0x2B, 0, 0x3D])
        objects += self.openings.to_bytes(2, "little")
        sealed = self.cipher.encrypt(self.address + UUID + INFO + count, objects, None)
        service_data = UUID + INFO + sealed[:-4] + count + sealed[-4:]
        data = FLAGS + bytes([len(service_data) + 1, 0x16]) + service_data
        if self.extended:
            # A complete local name that no legacy advertisement has room for.
            data = data[:3] + bytes([101, 0x09]) + b"a seal with a long name " * 4 + b"1234" + data[3:]
        self.sending = data
        return data

    def was_sent(self, heard):
        if heard:
            self.on_air.append(self.counter)
        if len(self.copies) < self.wanted:
            self.copies.append(self.sending)
        # The next advertisement is another frame.
        asyncio.get_running_loop().call_soon(self.set_data)

    def turn(self, is_open):
        if is_open and not self.is_open:
            self.openings += 1
        self.is_open = is_open


class Attacker(Advertiser):
    """Sends what it is given from a seal's address, one frame an interval; at the end the last one for ever."""

    shielded = False

    def __init__(self, air, number, seal, frames, interval_ms):
        address = seal.controller.public_address
        super().__init__(air, str(address).split("/")[0], False, interval_ms)
        self.controller.name = f"attacker {number}"
        self.frames = list(frames)
        air.seals[self.controller] = self

    def data(self):
        return self.frames.pop(0) if len(self.frames) > 1 else self.frames[0]

    def was_sent(self, _heard):
        asyncio.get_running_loop().call_soon(self.set_data)


class Telephone(Advertiser):
    """Somebody's telephone: manufacturer data that is no seal's."""

    def data(self):
        payload = random.randbytes(20)
        return FLAGS + bytes([len(payload) + 3, 0xFF, 0x06, 0x00]) + payload


async def main():
    args = argparse.ArgumentParser()
    args.add_argument("pty")
    args.add_argument("--legacy", action="store_true")
    args.add_argument("--interval-ms", type=int, default=100)
    args.add_argument("--telephones", type=int, default=0)
    args.add_argument("seals", nargs="+")
    args = args.parse_args()

    air = Air()
    radio = air.radio = Radio(air, args.legacy)
    seals = {}
    for text in args.seals:
        address, key, kind = text.split(",")
        seals[address] = Seal(air, address, key, kind == "extended", args.interval_ms)
    telephones = [
        Telephone(air, f"D0:00:00:00:00:{number:02X}", False, args.interval_ms) for number in range(args.telephones)
    ]
    advertisers = [*seals.values(), *telephones]
    attackers = []

    def attack(seal, frames):
        attackers.append(Attacker(air, len(attackers), seal, frames, args.interval_ms))
        attackers[-1].start()

    async with await open_pty_transport(args.pty) as transport:
        transport.source.set_packet_sink(radio)
        radio.host = transport.sink

        def obey(words):
            match words:
                case ["open" | "close" as verb, address]:
                    seals[address].turn(verb == "open")
                case ["shield" | "unshield" as verb, address]:
                    seals[address].shielded = verb == "shield"
                case ["record", address, count]:
                    seals[address].copies, seals[address].wanted = [], int(count)
                case ["count", address]:
                    return {"counter": seals[address].counter, "copies": len(seals[address].copies)}
                case ["play", address]:
                    attack(seals[address], seals[address].copies)
                case ["plain", address]:
                    # Not encrypted, version 2: battery full, opening closed.
                    data = UUID + bytes([0x40, 0x01, 100, 0x11, 0])
                    attack(seals[address], [FLAGS + bytes([len(data) + 1, 0x16]) + data])
                case ["stop"]:
                    for attacker in attackers:
                        attacker.enable(0)
                case ["jump", address, count]:
                    seals[address].counter += int(count)
                case ["quiet" | "loud" as verb]:
                    for advertiser in advertisers:
                        advertiser.enable(int(verb == "loud"))
                case ["sent"]:
                    return {address: seal.on_air for address, seal in seals.items()}
                case ["mute" | "unmute" as verb]:
                    radio.muted = verb == "mute"
                case ["deaf"]:
                    radio.deafened = True
                case ["fail"]:
                    radio.le_scan_enable = False
                    transport.sink.on_packet(bytes([0x04, 0x10, 0x01, 0x42]))
                case ["noise", count]:
                    transport.sink.on_packet(random.Random(7).randbytes(int(count)))
                case ["scanning"]:
                    return {"scanning": bool(radio.hears()), "resets": radio.resets}
                case _:
                    sys.exit(f"what is {words}?")
            return {}

        for advertiser in advertisers:
            advertiser.start()
        print("ready", flush=True)
        # Commands come on standard input, until it is closed.
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
        )
        while line := await reader.readline():
            print(json.dumps(obey(line.decode().split())), flush=True)


asyncio.run(main())
