"""One poll by the library watchdog: a second snapshot of the tree, and what differs from the first.

watchdog_snapshot.py ROOT
"""

import json
import resource
import sys

from watchdog.utils.dirsnapshot import DirectorySnapshot, DirectorySnapshotDiff


def used():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


first = DirectorySnapshot(sys.argv[1])
before = used()
DirectorySnapshotDiff(first, DirectorySnapshot(sys.argv[1]))
spent = used() - before
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"CPU ms/pass": spent * 1e3, "peak MB": peak / 1024}))
