"""An independent judge of whatever dials through the lab's PBX.

Reads the event stream of Asterisk itself, under a Stasis application of its own that is
subscribed to everything, and keeps every message; only once nothing has come for a while, or
for a second after SIGTERM, does it parse them, so that it never holds Asterisk up. Prints one
JSON object.

A call is a channel of the trunk. Its dead air runs from the moment that channel goes Up to
the moment it shares a bridge with another channel that is Up too, by Asterisk's own clock,
which has milliseconds. A channel of the trunk that serves as the target of a call would be
taken for a call: use other targets.

Usage: ARI_PASSWORD=… observer.py PORT USER TRUNK IDLE_SECONDS
"""

import base64
import json
import os
import select
import signal
import socket
import struct
import sys
from collections import Counter
from datetime import datetime

CLOSE, PING, PONG = 8, 9, 10

# In seconds: how long what has happened may take to be told, and how often it looks at the clock.
ON_ITS_WAY, LOOK_EVERY = 1, 0.1


class Stream:
    """A WebSocket (RFC 6455) on loopback, as much as reading events takes."""

    def __init__(self, port, user, password, idle):
        self.idle = 10
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.rest = b""
        login = base64.b64encode(f"{user}:{password}".encode()).decode()
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            "GET /ari/events?app=lab-observer&subscribeAll=true HTTP/1.1\r\n"
            f"Host: 127.0.0.1:{port}\r\nAuthorization: Basic {login}\r\n"
            "Connection: Upgrade\r\nUpgrade: websocket\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )
        head = self.until(b"\r\n\r\n")
        if b" 101 " not in head.split(b"\r\n")[0]:
            sys.exit(f"observer: Asterisk refused: {head.splitlines()[0].decode()}")
        self.idle = idle
        signal.signal(signal.SIGTERM, self.is_over)

    def is_over(self, *_):
        """Nothing more will happen but what is on its way."""
        self.idle = min(self.idle, ON_ITS_WAY)

    def more(self):
        waited = 0
        while not select.select([self.socket], [], [], LOOK_EVERY)[0]:
            waited += LOOK_EVERY
            if waited >= self.idle:
                raise TimeoutError
        got = self.socket.recv(1 << 18)
        if not got:
            raise ConnectionError("Asterisk closed the event stream")
        self.rest += got

    def until(self, mark):
        while mark not in self.rest:
            self.more()
        head, self.rest = self.rest.split(mark, 1)
        return head

    def exactly(self, count):
        while len(self.rest) < count:
            self.more()
        got, self.rest = self.rest[:count], self.rest[count:]
        return got

    def frame(self):
        first, size = self.exactly(2)
        if size == 126:
            (size,) = struct.unpack(">H", self.exactly(2))
        elif size == 127:
            (size,) = struct.unpack(">Q", self.exactly(8))
        return bool(first & 0x80), first & 0x0F, self.exactly(size)

    def messages(self):
        """Yields each text message until nothing comes for the idle time."""
        parts = []
        while True:
            try:
                final, kind, payload = self.frame()
                if kind == PING:
                    # A frame of a client is masked; a mask of zeros changes nothing.
                    head = bytes([0x80 | PONG, 0x80 | len(payload)])
                    self.socket.sendall(head + bytes(4) + payload)
            except (TimeoutError, ConnectionError):
                return
            if kind in (PING, PONG):
                continue
            if kind == CLOSE:
                return
            parts.append(payload)
            if final:
                yield b"".join(parts)
                parts = []


class Judge:
    """What the events add up to."""

    def __init__(self, trunk):
        self.mark = f"/{trunk}-"
        self.born, self.up, self.causes = {}, {}, Counter()
        self.members = {}  # bridge -> channel -> since when
        self.bridge_of = {}  # channel -> the members of its bridge
        self.dead_air = {}  # trunk channel -> milliseconds
        self.live, self.peak, self.events = set(), 0, 0
        self.recordings = Counter()

    def see(self, event):
        self.events += 1
        kind = event["type"]
        if kind in ("RecordingFinished", "RecordingFailed"):
            self.recordings[kind] += 1
        channel = event.get("channel") or event.get("peer")
        if not channel:
            return
        at = datetime.strptime(event["timestamp"], "%Y-%m-%dT%H:%M:%S.%f%z").timestamp() * 1000
        name, ours = channel["id"], self.mark in channel["name"]
        if ours and name not in self.born:
            self.born[name] = at
            self.live.add(name)
            self.peak = max(self.peak, len(self.live))
        if channel["state"] == "Up":
            self.up.setdefault(name, at)
        self.follow_bridge(kind, event, name, at)
        if kind == "ChannelDestroyed" and name in self.live:
            self.live.discard(name)
            self.causes[event["cause_txt"]] += 1

    def follow_bridge(self, kind, event, name, at):
        if kind == "ChannelEnteredBridge":
            members = self.members.setdefault(event["bridge"]["id"], {})
            members.setdefault(name, at)
            self.bridge_of[name] = members
        elif kind in ("ChannelLeftBridge", "ChannelHangupRequest"):
            # Who comes up after this has met nobody.
            self.bridge_of.pop(name, {}).pop(name, None)
        if name in self.bridge_of:
            self.judge(self.bridge_of[name])

    def judge(self, members):
        calls = [c for c in members if c in self.born and c in self.up]
        others = [c for c in members if c not in self.born and c in self.up]
        if calls and others and calls[0] not in self.dead_air:
            call, other = calls[0], others[0]
            both = max(members[call], members[other], self.up[other])
            self.dead_air[call] = both - self.up[call]

    def verdict(self):
        lags = sorted(self.dead_air.values())

        def share(part):
            return round(lags[min(len(lags) - 1, int(len(lags) * part))], 1) if lags else None

        span = (max(self.born.values()) - min(self.born.values())) / 1000 if self.born else 0
        return {
            "calls": len(self.born),
            "answered": len([c for c in self.born if c in self.up]),
            "bridged": len(self.dead_air),
            "left_up": len(self.live),
            "dead_air_ms": {"p50": share(0.5), "p90": share(0.9), "p99": share(0.99)},
            "peak_cc": self.peak,
            "cps": round((len(self.born) - 1) / span, 1) if span else None,
            "events": self.events,
            "causes": dict(self.causes),
            "recordings_finished": self.recordings["RecordingFinished"],
            "recordings_failed": self.recordings["RecordingFailed"],
            "each": [[self.up[call], lag] for call, lag in self.dead_air.items()],
        }


def main():
    port, user, trunk, idle = sys.argv[1:]
    stream = Stream(int(port), user, os.environ["ARI_PASSWORD"], float(idle))
    print("ready", file=sys.stderr, flush=True)
    kept = [json.loads(message) for message in list(stream.messages())]
    # Asterisk tells what happened to several channels in about the order in which it happened.
    kept.sort(key=lambda event: event["timestamp"])
    judge = Judge(trunk)
    for event in kept:
        judge.see(event)
    print(json.dumps(judge.verdict()))


main()
