"""A folder on the loopback, as `update_from` names it. It serves the rest of a file to who has its beginning already."""

import http.server
import threading
from pathlib import Path


class Folder:
    def __init__(self, path, port=0):
        self.path = path
        # What was asked for: name, and the first byte of it.
        self.asked = []
        path.mkdir(exist_ok=True)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), type("Handler", (Handler,), {"folder": self}))
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}"

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        file = self.folder.path / Path(self.path).name
        if not file.is_file():
            return self.send_error(404)
        whole = file.stat().st_size
        first = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").split("-")[0])
        self.folder.asked.append((file.name, first))
        if first and first >= whole:
            return self.send_error(416)
        self.send_response(206 if first else 200)
        self.send_header("Content-Length", str(whole - first))
        if first:
            self.send_header("Content-Range", f"bytes {first}-{whole - 1}/{whole}")
        self.end_headers()
        with open(file, "rb") as content:
            content.seek(first)
            while part := content.read(1 << 16):
                self.wfile.write(part)
