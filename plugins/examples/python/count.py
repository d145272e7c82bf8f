#!/usr/bin/env python3
"""Counts events by kind and by watch, and writes the table to a file that it replaces as a whole.

Options: `file`, where the table goes (standard: counts.json beside the manifest).
"""

import json
import os

from staithe_plugin import Plugin, run


class Count(Plugin):
    name = "count"
    version = "1.0"

    def __init__(self):
        self.counts = {}
        self.file = "counts.json"

    def on_configure(self, watch, root, options):
        self.file = options.get("file", self.file)
        self.counts.setdefault(watch, {})

    def on_event(self, event):
        of_watch = self.counts.setdefault(event.watch, {})
        of_watch[event.kind] = of_watch.get(event.kind, 0) + 1

    def on_flush(self):
        aside = self.file + ".tmp"
        with open(aside, "w") as file:
            json.dump(self.counts, file, sort_keys=True)
        os.replace(aside, self.file)

    def on_bye(self):
        self.log("counted %d events" % sum(sum(kinds.values()) for kinds in self.counts.values()))


if __name__ == "__main__":
    run(Count())
