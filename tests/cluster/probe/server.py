"""The rig's probe: a pod that answers, that asks others, and whose preStop hook can be held open.

/              its own name
/fetch?URL     what another server answers
/hold, /free   from now on /stop waits, or not
/stop          for the preStop hook: answers when no request holds it
"""

import signal
import socket
import sys
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

PORT = 1650
FETCH_S = 5
FREE = threading.Event()
FREE.set()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        body = socket.gethostname().encode()
        if parts.path == "/fetch":
            with urllib.request.urlopen(parts.query, timeout=FETCH_S) as answer:
                body = answer.read()
        elif parts.path == "/hold":
            FREE.clear()
        elif parts.path == "/free":
            FREE.set()
        elif parts.path == "/stop":
            FREE.wait()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    # The first process of a container ignores what it has no handler for.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    ThreadingHTTPServer(("", PORT), Handler).serve_forever()
