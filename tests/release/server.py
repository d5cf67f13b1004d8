"""A server of one folder on a port of loopback, which it prints.

Below /cut/ every file ends in its middle; below /busy/ each is refused the first time.
"""

import http.server
import os
import socketserver
import sys

folder = sys.argv[1]
refused = set()


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers `GET` with a file of the folder, `latest/download/` being that of the newest release."""

    def do_GET(self):
        path = self.path.lstrip("/")
        cut = path.startswith("cut/")
        if path.startswith("busy/") and path not in refused:
            refused.add(path)
            self.send_error(503)
            return
        file = os.path.join(folder, path.removeprefix("cut/").removeprefix("busy/"))
        if not os.path.isfile(file):
            self.send_error(404)
            return
        with open(file, "rb") as opened:
            content = opened.read()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        half = cut and not file.endswith("SHA256SUMS")
        self.wfile.write(content[: len(content) // 2] if half else content)
        self.close_connection = True

    def log_message(self, *_):
        """Says nothing."""


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """Ends with its main thread, whatever clients are still there."""

    daemon_threads = True


server = Server(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
