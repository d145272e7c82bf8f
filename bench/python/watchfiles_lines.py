"""The library watchfiles as a program: the path of each change in the tree, one to a line.

watchfiles_lines.py ROOT
"""

import sys

from watchfiles import watch

print("ready", sys.argv[1], file=sys.stderr, flush=True)
for changes in watch(sys.argv[1], debounce=50, step=10, rust_timeout=1000):
    sys.stdout.write("".join(path + "\n" for _, path in changes))
    sys.stdout.flush()
