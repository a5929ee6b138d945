"""The files that the suite uploads, made here because the source distribution leaves them out."""

import io
import os
import struct
import threading
import zipfile
import zlib
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

LOGO_WIDTH, LOGO_HEIGHT = 241, 51


def make(folder):
    """Writes every file into `folder`."""
    logo = png(LOGO_WIDTH, LOGO_HEIGHT)
    for name, data in (
        ("logo.png", logo),
        ("üni_näme_lögö.png", logo),
        ("favicon.ico", icon(16)),
        ("docx.docx", document()),
    ):
        with open(os.path.join(folder, name), "wb") as file:
            file.write(data)


def serve(folder):
    """Serves `folder` on a free local port until this process ends; returns the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return "http://127.0.0.1:{}".format(server.server_address[1])


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def png(width, height):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(
        b"\0" + bytes(channel for x in range(width) for channel in (x % 256, y * 5 % 256, 128))
        for y in range(height)
    )
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def icon(side):
    """One picture in an icon, as an uncompressed bitmap."""
    pixels = b"\x40\x80\xc0\xff" * (side * side)
    mask = b"\0" * (4 * side)
    bitmap = struct.pack("<IiiHHIIiiII", 40, side, 2 * side, 1, 32, 0, len(pixels), 0, 0, 0, 0)
    picture = bitmap + pixels + mask
    entry = struct.pack("<BBBBHHII", side, side, 0, 0, 1, 32, len(picture), 22)
    return struct.pack("<HHH", 0, 1, 1) + entry + picture


def bitmap_header(width, height, size):
    """The first bytes of an uncompressed bitmap file of `size` bytes."""
    head = 14 + 40
    file = struct.pack("<2sIHHI", b"BM", size, 0, 0, head)
    return file + struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, size - head, 2835, 2835, 0, 0)


def document():
    """A word processor's file: a package of XML that no picture's reader takes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as package:
        package.writestr("[Content_Types].xml", "<Types/>")
        package.writestr("word/document.xml", "<document/>")
    return buffer.getvalue()
