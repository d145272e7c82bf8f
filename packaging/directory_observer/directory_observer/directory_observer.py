"""Becomes `staithe compat directory-observer`, with the same arguments and the same process id.

Supervisors find the observer by this module's name in its command line, so the new process keeps it.
"""

import os
import shutil
import signal
import sys

# What MetWork's stop script looks for in /proc/PID/cmdline.
MODULE = "directory_observer.directory_observer"


def main():
    program = os.environ.get("STAITHE_PROGRAM") or shutil.which("staithe")
    if program is None:
        sys.exit("directory_observer: there is no staithe on the PATH; install it, or name it in STAITHE_PROGRAM")
    # Python ignores SIGPIPE, and what is ignored stays so in the program that follows.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    arguments = ["staithe:" + MODULE, "compat", "directory-observer"] + sys.argv[1:]
    try:
        os.execv(program, arguments)
    except OSError as error:
        sys.exit("directory_observer: cannot run %s: %s" % (program, error.strerror))


if __name__ == "__main__":
    main()
