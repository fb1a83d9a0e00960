"""Reads the bar codes in a picture with zxing-cpp: a real peer for what a printer prints.

Usage: read_codes.py PICTURE...     each a PGM file (P5, 255 greys)

Prints one line of JSON for each picture: a list of {"symbology": "]d2", "text": "…"}, in no order. Separators of GS1 are
GS (1D) in the text, as a scanner sends them; the first FNC1 shows in the symbology only.
"""

import json
import sys

import zxingcpp


def picture(path):
    with open(path, "rb") as file:
        kind, width, height, white = header(file)
        data = file.read()
    assert kind == b"P5" and white == 255 and len(data) == width * height, path
    return memoryview(data).cast("B", (height, width))


def header(file):
    words = []
    while len(words) < 4:
        words += file.readline().split()
    kind, width, height, white = words
    return kind, int(width), int(height), int(white)


for path in sys.argv[1:]:
    found = zxingcpp.read_barcodes(picture(path), text_mode=zxingcpp.TextMode.Plain)
    print(json.dumps([{"symbology": code.symbology_identifier, "text": code.bytes.decode("ascii")} for code in found]))
