"""Plugins for staithe in Python: the protocol, so that a plugin is only what it does with an event.

    from staithe_plugin import run

    def on_event(event):
        print(event.kind, event.path)      # goes to staithe's log: standard output belongs to the protocol

    run(on_event, events=["create", "close_write"])

Whoever needs more (options of each watch, a farewell, refusing an event) derives from Plugin. No dependencies;
Python 3.8 or newer. The protocol itself is described in docs/guide/plugin-protocol.md.
"""

import base64
import json
import os
import sys
import time
import traceback

PROTOCOL = 1

# An acknowledgement covers all events before it. It is written when nothing more has come, after so many events,
# or after this time, whichever is first: after a crash no more than that is sent again.
ACK_EVERY = 64
ACK_WITHIN = 0.2


class Refuse(Exception):
    """Raised by on_event: this event is refused. With permanent=True it will never be taken (a dead letter),
    otherwise it comes again later."""

    def __init__(self, message, permanent=False):
        super().__init__(message)
        self.permanent = permanent


def _path(message, name):
    """A path of a message as the system knows it: bytes that are no UTF-8 come in a member of their own."""
    encoded = message.get(name + "_b64")
    if encoded is not None:
        return os.fsdecode(base64.b64decode(encoded))
    return message.get(name)


class Event:
    """One event. `message` is what came, as it came."""

    __slots__ = ("message", "seq", "kind", "watch", "is_dir", "synthetic", "time", "cookie", "id", "attempt")

    def __init__(self, message):
        self.message = message
        self.seq = message["seq"]
        self.kind = message["kind"]
        self.watch = message["watch"]
        self.is_dir = message.get("is_dir", False)
        self.synthetic = message.get("synthetic", False)
        self.time = message.get("time")
        self.cookie = message.get("cookie", 0)
        self.id = message.get("id")
        self.attempt = message.get("attempt", 1)

    @property
    def path(self):
        """Below the watch's root; empty for the root itself. A str as os.fsdecode gives it."""
        return _path(self.message, "path")

    @property
    def root(self):
        """The watch's directory."""
        return _path(self.message, "root")

    @property
    def full_path(self):
        path = self.path
        return os.path.join(self.root, path) if path else self.root

    @property
    def path_bytes(self):
        return os.fsencode(self.path)

    @property
    def old_path(self):
        """Of the second half of a rename: the whole path where it was; else None."""
        return _path(self.message, "old_path")

    @property
    def size(self):
        return self.message.get("size")

    @property
    def native(self):
        """Of a unit that arrived complete: staithe's native event."""
        return self.message.get("event")

    def __repr__(self):
        return "<Event %s %s %r>" % (self.seq, self.kind, self.path)


class Plugin:
    """Derive, and call run() with an instance."""

    #: What it is called in the greeting.
    name = None
    version = "0"
    #: The kinds of events that are wanted; None: all.
    events = None

    _host = None

    def on_configure(self, watch, root, options):
        """A watch and its options, before its first event; again when they have changed."""

    def on_event(self, event):
        """One event. Returning means that it is done (or will be after on_flush); raising, that it comes again."""
        raise NotImplementedError

    def on_flush(self):
        """Called before events are acknowledged: what on_event put off must be done when this returns."""

    def on_bye(self):
        """The last call."""

    def log(self, message, level="info"):
        """Says something in staithe's log. Levels: debug (not shown), info, warning, error."""
        self._host.log(message, level)


class _Simple(Plugin):
    def __init__(self, handler):
        self.on_event = handler
        self.name = getattr(handler, "__name__", None)


class _Host:
    """The other side of the pipes."""

    def __init__(self, plugin):
        self.plugin = plugin
        # Whatever prints prints to standard error from here on: a stray line is no message.
        sys.stdout.flush()
        self.out = os.dup(1)
        os.dup2(2, 1)
        self.pending = b""
        self.done = 0
        self.acknowledged = 0
        self.since = 0.0

    def send(self, message):
        data = json.dumps(message, separators=(",", ":")).encode() + b"\n"
        while data:
            data = data[os.write(self.out, data):]

    def log(self, message, level="info"):
        self.send({"type": "log", "level": level, "message": str(message)})

    def greet(self, name, version, events):
        hello = {"type": "hello", "protocol": PROTOCOL, "name": name, "version": str(version)}
        # It is told when it should acknowledge at the latest.
        hello["batch"] = ACK_EVERY
        if events is not None:
            hello["events"] = list(events)
        self.send(hello)

    def acknowledge(self):
        if self.done > self.acknowledged:
            self.plugin.on_flush()
            self.acknowledged = self.done
            self.send({"type": "ack", "seq": self.done})
        self.since = time.monotonic()

    def messages(self):
        """What the host says, message by message; None when nothing more lies there."""
        while True:
            chunk = os.read(0, 1 << 16)
            if not chunk:
                return
            lines = (self.pending + chunk).split(b"\n")
            self.pending = lines.pop()
            for line in lines:
                yield json.loads(line)
            yield None

    def serve(self):
        self.since = time.monotonic()
        for message in self.messages():
            if message is None:
                self.acknowledge()
                continue
            kind = message.get("type")
            if kind == "event":
                self.event(Event(message))
            elif kind == "configure":
                self.plugin.on_configure(message["watch"], _path(message, "root"), message["options"])
            elif kind == "flush":
                self.acknowledge()
            elif kind == "bye":
                break
        self.acknowledge()
        self.plugin.on_bye()

    def event(self, event):
        try:
            self.plugin.on_event(event)
        except Refuse as refused:
            self.refuse(event, str(refused), refused.permanent)
        except Exception as error:
            # What is wrong stands first: a long text is cut.
            what = "%s: %s" % (type(error).__name__, error)
            self.refuse(event, what + "\n" + traceback.format_exc().strip(), False)
        self.done = event.seq
        late = time.monotonic() - self.since > ACK_WITHIN
        if late or self.done - self.acknowledged >= ACK_EVERY:
            self.acknowledge()

    def refuse(self, event, message, permanent):
        error = {"type": "error", "seq": event.seq, "message": message, "fatal": False, "permanent": permanent}
        self.send(error)


def run(plugin, name=None, version=None, events=None):
    """Serves until the host says bye or goes away. `plugin` is a Plugin, or a function that takes an event."""
    if not isinstance(plugin, Plugin):
        plugin = _Simple(plugin)
    host = plugin._host = _Host(plugin)
    script = os.path.splitext(os.path.basename(sys.argv[0]))[0]
    name = name or plugin.name or os.environ.get("STAITHE_PLUGIN") or script or "plugin"
    try:
        host.greet(name, version or plugin.version, events if events is not None else plugin.events)
        host.serve()
    except BrokenPipeError:
        # The host is gone: nobody is left to tell.
        pass
    except Exception as error:
        message = "%s: %s" % (type(error).__name__, error)
        traceback.print_exc()
        try:
            host.send({"type": "error", "message": message, "fatal": True})
        except OSError:
            pass
        sys.exit(1)
