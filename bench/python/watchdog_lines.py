"""The library watchdog as a program: the path of each finished file in the tree, one to a line.

watchdog_lines.py ROOT [poll]
"""

import signal
import sys

from watchdog.events import FileSystemEventHandler

POLL = len(sys.argv) > 2
if POLL:
    from watchdog.observers.polling import PollingObserver as Observer
else:
    from watchdog.observers import Observer


class Lines(FileSystemEventHandler):
    def tell(self, path):
        sys.stdout.write(path + "\n")
        sys.stdout.flush()

    def on_closed(self, event):
        self.tell(event.src_path)

    def on_moved(self, event):
        self.tell(event.dest_path)

    def on_created(self, event):
        # A poller hears of no close; the other does.
        if POLL and not event.is_directory:
            self.tell(event.src_path)


observer = Observer(timeout=1.0)
observer.schedule(Lines(), sys.argv[1], recursive=True)
observer.start()
print("ready", sys.argv[1], file=sys.stderr, flush=True)
signal.sigwait({signal.SIGTERM, signal.SIGINT})
