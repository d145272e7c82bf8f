"""A stand-in for MetWork's directory_observer, written after a description of what that one does; not the original.

It reads the sections of the same configuration, watches each directory flat with pyinotify, and for each created or renamed
file: two filters, a look whether it is a directory, an alarm and its handler set, one LPUSH of a JSON text, the alarm and its
handler taken back, a line of log. No wait for a close, nothing remembered, nothing grouped.

observer_stand_in.py -c FILE
"""

import configparser
import json
import os
import re
import signal
import sys
import time

import pyinotify
import redis

IGNORED = re.compile(r"^.*\.working$")
ALL = re.compile(r"^.*$")


def too_slow(number, frame):
    print("Redis Timeout", file=sys.stderr, flush=True)


class Section(pyinotify.ProcessEvent):
    def my_init(self, client=None, directory=None, queue=None, timeout=10):
        self.client, self.directory, self.queue, self.timeout = client, directory, queue, timeout

    def process_IN_CREATE(self, event):
        if self.is_wanted(event.name):
            self.push(event.name, "created")

    process_IN_MOVED_TO = process_IN_CREATE

    def process_IN_Q_OVERFLOW(self, event):
        print("Event queue overflowed.", file=sys.stderr, flush=True)

    def is_wanted(self, name):
        if not ALL.match(name) or IGNORED.match(name):
            return False
        return not os.path.isdir(os.path.join(self.directory, name))

    def push(self, name, event):
        message = {
            "directory": self.directory,
            "filename": name,
            "event": event,
            "event_timestamp": time.time(),
        }
        signal.signal(signal.SIGALRM, too_slow)
        signal.alarm(self.timeout)
        try:
            self.client.lpush(self.queue, json.dumps(message))
        finally:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
        now = time.time()
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + ".%06dZ" % (now % 1 * 1e6)
        line = "%s     [INFO] (directory_observer#%d) %s added to redis queue %s"
        print(line % (stamp, os.getpid(), os.path.join(self.directory, name), self.queue), flush=True)


def main():
    plan = configparser.ConfigParser(default_section="common", interpolation=None)
    plan.read(sys.argv[sys.argv.index("-c") + 1])
    common = plan["common"]
    client = redis.Redis(host=common["redis_server"], port=common.getint("redis_port"))
    client.ping()
    manager = pyinotify.WatchManager()
    notifier = pyinotify.Notifier(manager, pyinotify.ProcessEvent(), timeout=1000)
    mask = pyinotify.IN_CREATE | pyinotify.IN_MOVED_TO
    for name in plan.sections():
        section = plan[name]
        if section.getboolean("active"):
            handler = Section(client=client, directory=section["directory"], queue=section["queue"],
                              timeout=section.getint("timeout"))
            manager.add_watch(section["directory"], mask, proc_fun=handler)
    while True:
        notifier.process_events()
        while not notifier.check_events():
            pass
        notifier.read_events()


main()
