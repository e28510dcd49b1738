"""A stand-in for the program label-studio, for what the real one is hard to make do."""

import sys

BODY = """#!{python}
import os, signal, sys, time
from http.server import BaseHTTPRequestHandler, HTTPServer

port = int(sys.argv[sys.argv.index("--port") + 1])
refused = []
{first}

class Answers(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(401 if self.path in refused else 200)
        self.end_headers()

    def log_message(self, *_):
        pass

server = HTTPServer(("127.0.0.1", port), Answers)
print(f"Starting development server at http://127.0.0.1:{{port}}/", flush=True)
server.serve_forever()
"""


def write_stand_in(folder, first=""):
    """Write the program, which does `first` before it serves, and return its path."""
    program = folder / "label-studio"
    program.write_text(BODY.format(python=sys.executable, first=first))
    program.chmod(0o755)
    return program
