"""The server as a foreign client sees it: Python's own HTTP client, and a small WebSocket client
written from RFC 6455 alone.  Usage: http_client.py path/to/http_server"""
import base64
import hashlib
import http.client
import json
import os
import socket
import struct
import subprocess
import sys
import urllib.request


def check(condition, what):
    if not condition:
        sys.exit(f"http_client: {what}")


class WebSocket:
    GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

    def __init__(self, port):
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=10)
        key = base64.b64encode(os.urandom(16))
        self.sock.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                          b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                          b"Sec-WebSocket-Key: " + key + b"\r\n\r\n")
        self.file = self.sock.makefile("rb")
        check(self.file.readline().startswith(b"HTTP/1.1 101 "), "the upgrade was refused")
        headers = {}
        while (line := self.file.readline().strip()):
            name, _, value = line.partition(b":")
            headers[name.lower()] = value.strip()
        want = base64.b64encode(hashlib.sha1(key + self.GUID).digest())
        check(headers.get(b"sec-websocket-accept") == want, "a wrong Sec-WebSocket-Accept")

    def send(self, opcode, payload, final=True):
        mask = os.urandom(4)
        head = bytes([opcode | (0x80 if final else 0)])
        n = len(payload)
        if n < 126:
            head += bytes([0x80 | n])
        elif n < 65536:
            head += struct.pack(">BH", 0x80 | 126, n)
        else:
            head += struct.pack(">BQ", 0x80 | 127, n)
        masked = bytes(b ^ mask[i % 4] for i, b in enumerate(payload))
        self.sock.sendall(head + mask + masked)

    def receive(self):
        first, length = self.file.read(2)
        check(length < 128, "a masked frame from the server")
        if length == 126:
            length, = struct.unpack(">H", self.file.read(2))
        elif length == 127:
            length, = struct.unpack(">Q", self.file.read(8))
        return first, self.file.read(length)


def http_side(port):
    conn = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    for size in (0, 1, 1000, 65536, 1 << 20):
        body = os.urandom(size).hex()[:size].encode()
        conn.request("POST", "/", body, {"Content-Type": "application/json"})
        answer = conn.getresponse()
        check(answer.status == 200 and answer.read() == body, f"{size} bytes came back changed")
        check(answer.headers["Access-Control-Allow-Origin"] == "*", "no CORS header")
    conn.request("POST", "/", iter([b"ab", b"cd" * 5000, b"e"]), {"X": "y"})  # chunked
    check(conn.getresponse().read() == b"ab" + b"cd" * 5000 + b"e", "chunks came back changed")
    conn.request("GET", "/metrics?x")
    answer = conn.getresponse()
    check(answer.read() == b"/metrics" and answer.headers["Date"].endswith(" GMT"), "GET")
    conn.request("HEAD", "/abc")
    answer = conn.getresponse()
    check(answer.headers["Content-Length"] == "4" and answer.read() == b"", "HEAD")
    conn.request("OPTIONS", "/", headers={"Origin": "https://example.org",
                                          "Access-Control-Request-Method": "POST"})
    answer = conn.getresponse()
    check(answer.status == 204 and "POST" in answer.headers["Access-Control-Allow-Methods"]
          and answer.read() == b"", "the preflight")
    conn.request("POST", "/", b"{}")  # the same connection after all that
    check(conn.getresponse().read() == b"{}", "keep-alive")
    conn.request("POST", "/", b"x" * ((1 << 20) + 1))
    check(conn.getresponse().status == 413, "an oversize body")
    conn.close()
    conn.request("GET", "/", headers={"Host": "rebound.example"})
    check(conn.getresponse().status == 403, "a foreign Host")
    conn.close()
    url = f"http://localhost:{port}/"
    request = urllib.request.Request(url, json.dumps({"id": 1}).encode())
    with urllib.request.urlopen(request, timeout=10) as answer:
        check(json.load(answer) == {"id": 1}, "urllib")


def websocket_side(port):
    ws = WebSocket(port)
    for size in (1, 125, 126, 65535, 65536, 300000):
        payload = b"j" * size
        ws.send(1, payload)
        check(ws.receive() == (0x81, payload), f"a message of {size} bytes")
    ws.send(1, "grüße".encode()[:3], final=False)
    ws.send(9, b"are you there")
    ws.send(0, "grüße".encode()[3:])
    check(ws.receive() == (0x8A, b"are you there"), "the pong")
    check(ws.receive() == (0x81, "grüße".encode()), "a message in fragments")
    ws.send(1, b"push")
    check([ws.receive() for _ in range(2)] == [(0x81, b"pushed"), (0x81, b"push")], "the push")
    ws.send(8, struct.pack(">H", 1000) + b"done")
    check(ws.receive() == (0x88, struct.pack(">H", 1000)), "the closing handshake")
    check(ws.file.read() == b"", "the end after the closing handshake")
    ws = WebSocket(port)
    ws.send(1, b"\xff")
    check(ws.receive() == (0x88, struct.pack(">H", 1007)), "a message that is not UTF-8")


def main():
    server = subprocess.Popen([sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        port = int(server.stdout.readline())
        http_side(port)
        websocket_side(port)
    finally:
        server.stdin.close()
        code = server.wait(10)
    check(code == 0, f"the server ended with {code}")


main()
