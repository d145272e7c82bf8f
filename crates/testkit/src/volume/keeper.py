"""Keeps a mounted file system for a test: `keeper.py POINT IMAGE KIND`, or `keeper.py POINT - SIZE` for one in memory.

Each line of standard input is a word, each line of standard output says how it went: `ok`, or what was wrong.
At the end of the input, however the test ended, nothing stays mounted.
"""
import fcntl
import os
import struct
import subprocess
import sys
import time

# _IOR('X', 125, __u32): the same number for ext4 and XFS.
SHUTDOWN = 0x8004587D
# What lies in memory is not even written to the log.
NO_LOG_FLUSH = 2

point, image, kind = sys.argv[1:]
mounted = False


def run(*words):
    done = subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise OSError(" ".join(done.stderr.split()) or f"{words[0]} failed")


def make():
    if image != "-":
        run("mkfs." + kind, "-q", image)


def mount():
    global mounted
    if image == "-":
        run("mount", "-t", "tmpfs", "-o", f"size={kind},mode=700", "staithe-test", point)
    else:
        # The loop device goes with the mount.
        run("mount", "-o", "loop,noatime", image, point)
    mounted = True


def cut():
    top = os.open(point, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.ioctl(top, SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
    finally:
        os.close(top)


def unmount():
    global mounted
    # Whoever was killed a moment ago may still be on its way out.
    last = time.monotonic() + 20
    while True:
        try:
            run("umount", point)
            break
        except OSError:
            if time.monotonic() > last:
                raise
            time.sleep(0.005)
    mounted = False


words = {"make": make, "mount": mount, "cut": cut, "unmount": unmount}
try:
    for line in sys.stdin:
        try:
            words[line.strip()]()
            print("ok", flush=True)
        except (OSError, KeyError) as error:
            print(error, flush=True)
finally:
    if mounted:
        subprocess.run(["umount", "-l", point], stderr=subprocess.DEVNULL)
