#!/usr/bin/env python3
"""Runs a plugin that was written for iobserver.

    staithe_iobserver.py NAME.py

NAME.py has a class Name (the file's name in title case) with a method process_event(event). As in iobserver a new
object is made for each event, with (watch, cache, config); what must outlive an event goes into the cache.

* event has event_name (IN_CREATE, IN_MOVED_FROM, WATCH_INIT, ...), path (the directory), name, is_dir, mask, wd,
  and cookie where the event is half of a rename. wd is a number for each directory, not the kernel's.
* cache has push(key, value, persistent=False), get(key) and pop(key). Every 100 pushes the values older than
  10 seconds are dropped, unless they are persistent. It lives as long as this process: a plugin that was started
  anew has an empty one.
* config has the watch's options whose names begin with NAME_, names unshortened, values as texts.
* An exception (iPluginError, or any other) refuses that event and nothing else: it comes again later.
* NAME.py is loaded anew when it has changed. While a new version cannot be loaded the old one stays.

iobserver is gone, so `from iobserver import iPlugin, iPluginError` finds what stands here. Python 2 is gone, too: a
plugin that uses its syntax (print without parentheses, `except E, e`) must be converted first, by hand or with 2to3.
"""

import json
import os
import sys
import threading
import time
import types
import zlib

from staithe_plugin import Plugin, run

MAX_AGE = 10
EXPIRE_AFTER = 100

#: iobserver's name and the kernel's number of each kind of event.
NAMES = {
    "access": ("IN_ACCESS", 0x1),
    "modify": ("IN_MODIFY", 0x2),
    "attrib": ("IN_ATTRIB", 0x4),
    "close_write": ("IN_CLOSE_WRITE", 0x8),
    "close_nowrite": ("IN_CLOSE_NOWRITE", 0x10),
    "open": ("IN_OPEN", 0x20),
    "moved_from": ("IN_MOVED_FROM", 0x40),
    "moved_to": ("IN_MOVED_TO", 0x80),
    "create": ("IN_CREATE", 0x100),
    "delete": ("IN_DELETE", 0x200),
    "delete_self": ("IN_DELETE_SELF", 0x400),
    "move_self": ("IN_MOVE_SELF", 0x800),
    "overflow": ("IN_Q_OVERFLOW", 0x4000),
    "watch_init": ("WATCH_INIT", None),
    "watch_reconfig": ("WATCH_RECONFIG", None),
    "watch_dead": ("WATCH_DEAD", None),
}
ISDIR = 0x40000000


class iError(Exception):
    """What iobserver's errors derive from. One argument: the message; two: an observer, which there is none of,
    and the message."""

    def __init__(self, *args):
        super().__init__(args[-1] if args else "")


class iPluginError(iError):
    pass


class iPlugin:
    def __init__(self, watch, cache, config):
        self._watch = watch
        self._cache = cache
        self._config = config

    def process_event(self, event):
        pass


class iCache:
    """What plugins keep from one event to the next."""

    def __init__(self, max_age=MAX_AGE, expire_after_count=EXPIRE_AFTER, clock=time.time):
        self._kept = {}
        self._pushes = 0
        self._max_age = max_age
        self._expire_after = expire_after_count
        self._clock = clock
        self._lock = threading.Lock()

    def push(self, key, value, persistent=False):
        with self._lock:
            now = self._clock()
            self._pushes += 1
            if self._pushes > self._expire_after:
                self._pushes = 0
                self._drop_older_than(now - self._max_age)
            self._kept[key] = (value, None if persistent else now)

    def get(self, key):
        with self._lock:
            return self._kept.get(key, (None, None))[0]

    def pop(self, key):
        with self._lock:
            return self._kept.pop(key, (None, None))[0]

    def _drop_older_than(self, limit):
        old = [key for key, (_, pushed) in self._kept.items() if pushed is not None and pushed < limit]
        for key in old:
            del self._kept[key]


class Config(dict):
    """A dict with the method of Python 2 that iobserver's plugins use."""

    def has_key(self, key):
        return key in self


class Watch:
    """What a plugin may ask of its watch."""

    def __init__(self, name, path):
        self.name = name
        self._path = path

    def get_path(self):
        return self._path

    def is_alive(self):
        return True


class OldEvent:
    def __init__(self, event):
        self.event_name, mask = NAMES[event.kind]
        if mask is None:
            self.path = event.root
            return
        path = event.path
        directory, self.name = os.path.split(path)
        self.path = os.path.join(event.root, directory) if directory else event.root
        self.is_dir = event.is_dir
        self.mask = mask | ISDIR if event.is_dir else mask
        self.wd = zlib.crc32(os.fsencode(self.path)) & 0x7FFFFFFF or 1
        if event.kind in ("moved_from", "moved_to"):
            self.cookie = event.cookie


class Unusable(Exception):
    """The plugin's file cannot be loaded."""


def load(path):
    """The class in NAME.py."""
    name = os.path.splitext(os.path.basename(path))[0]
    try:
        with open(path, "rb") as file:
            code = compile(file.read(), path, "exec")
    except SyntaxError as error:
        raise Unusable(
            "%s, line %s: %s. If it was written for Python 2 it must be converted to Python 3 first, by hand or "
            "with 2to3: this adapter runs it under Python %d.%d"
            % (path, error.lineno, error.msg, sys.version_info[0], sys.version_info[1])
        )
    except (OSError, ValueError) as error:
        raise Unusable("%s: %s" % (path, error))
    module = types.ModuleType(name)
    module.__file__ = path
    try:
        exec(code, module.__dict__)
    except Exception as error:
        raise Unusable("%s: %s: %s" % (path, type(error).__name__, error))
    found = getattr(module, name.title(), None)
    if not callable(getattr(found, "process_event", None)):
        raise Unusable("%s has no class %s with a method process_event" % (path, name.title()))
    return found


class Adapter(Plugin):
    events = list(NAMES)

    def __init__(self, path):
        self.path = path
        self.name = os.path.splitext(os.path.basename(path))[0]
        self.cache = iCache()
        self.watches = {}
        self.look = None
        self.made = None

    def on_configure(self, watch, root, options):
        mine = self.name + "_"
        config = {key: _as_text(value) for key, value in options.items() if key.startswith(mine)}
        self.watches[watch] = (Watch(watch, root), config)

    def on_event(self, event):
        self.refresh()
        watch, config = self.watches[event.watch]
        self.made(watch, self.cache, Config(config)).process_event(OldEvent(event))

    def refresh(self):
        """Loads the file anew when it has changed. A version that cannot be loaded is told of once."""
        try:
            status = os.stat(self.path)
            look = (status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino)
        except OSError as error:
            look = str(error)
        if look == self.look:
            return
        self.look = look
        try:
            self.made = load(self.path)
        except Unusable as error:
            if self.made is None:
                raise
            self.log("the old version stays: %s" % error, "error")


def _as_text(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return [_as_text(item) for item in value]
    return value if isinstance(value, str) else str(value)


def _stand_in():
    """`import iobserver` finds this."""
    module = types.ModuleType("iobserver")
    for one in (iPlugin, iPluginError, iError, iCache):
        setattr(module, one.__name__, one)
    sys.modules["iobserver"] = module


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: staithe_iobserver.py NAME.py")
    _stand_in()
    adapter = Adapter(os.path.abspath(sys.argv[1]))
    sys.path.insert(0, os.path.dirname(adapter.path))
    try:
        adapter.refresh()
    except Unusable as error:
        sys.stdout.write(json.dumps({"type": "error", "message": str(error), "fatal": True}) + "\n")
        sys.exit(1)
    run(adapter, version="iobserver")


if __name__ == "__main__":
    main()
