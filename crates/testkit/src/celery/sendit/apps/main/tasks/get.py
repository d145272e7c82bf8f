# The task that sendit's watcher asks for. It opens the folder and reads every file, as the importer did, and tells
# what it found: one line for each run, in one write, so that runs of several workers do not mix.
import binascii
import hashlib
import json
import os
import time

from sendit.celery import app


@app.task(bind=True)
def import_dicomdir(self, dicom_dir, run_get_identifiers=True):
    folder = os.fsencode(dicom_dir)
    begun = time.time()
    told = {"id": self.request.id, "path": _hex(folder), "at": begun, "identifiers": run_get_identifiers}
    try:
        told["files"] = sorted(_files(folder))
    except OSError as error:
        told["error"] = type(error).__name__
    _tell(told)
    return len(told.get("files", ()))


def _files(folder):
    for place, _, names in os.walk(folder, onerror=_raise):
        for name in names:
            path = os.path.join(place, name)
            with open(path, "rb") as file:
                content = file.read()
            below = os.path.relpath(path, folder)
            yield [_hex(below), len(content), hashlib.sha256(content).hexdigest()]


def _raise(error):
    raise error


def _tell(told):
    line = json.dumps(told).encode("ascii") + b"\n"
    target = os.open(os.environ["TOLD"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(target, line)
    finally:
        os.close(target)


def _hex(name):
    return binascii.hexlify(name).decode("ascii")
