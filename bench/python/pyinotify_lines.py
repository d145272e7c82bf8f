"""The library pyinotify as a program: the path of each finished file in the tree, one to a line.

pyinotify_lines.py ROOT
"""

import sys

import pyinotify

WANTED = pyinotify.IN_CLOSE_WRITE | pyinotify.IN_MOVED_TO


class Lines(pyinotify.ProcessEvent):
    def process_default(self, event):
        # `auto_add` asks for IN_CREATE by itself, and makes events of that kind for what is in a new directory.
        if not event.dir:
            sys.stdout.write(event.pathname + "\n")

    def process_IN_Q_OVERFLOW(self, event):
        print("overflow: the kernel dropped events", file=sys.stderr, flush=True)


def flush(notifier):
    sys.stdout.flush()
    return False


manager = pyinotify.WatchManager()
notifier = pyinotify.Notifier(manager, Lines())
manager.add_watch(sys.argv[1], WANTED, rec=True, auto_add=True)
print("ready", sys.argv[1], file=sys.stderr, flush=True)
notifier.loop(callback=flush)
