"""Writes DICOM files with pydicom: `python make.py PLAN`, where each line of PLAN is
`path syntax study series number`, tabs between them."""
import os
import sys
import warnings

from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    PYDICOM_IMPLEMENTATION_UID,
    RLELossless,
)

warnings.filterwarnings("ignore")

SYNTAXES = {
    "explicit": ExplicitVRLittleEndian,
    "implicit": ImplicitVRLittleEndian,
    "big": ExplicitVRBigEndian,
    "deflated": DeflatedExplicitVRLittleEndian,
    "rle": RLELossless,
}
SIDE = 32


def image(syntax, study, series, number):
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = f"{series}.{number}"
    meta.ImplementationClassUID = PYDICOM_IMPLEMENTATION_UID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian if syntax == "rle" else SYNTAXES[syntax]
    found = FileDataset(
        None,
        {},
        file_meta=meta,
        preamble=b"\0" * 128,
        is_implicit_VR=syntax == "implicit",
        is_little_endian=syntax != "big",
    )
    found.SOPClassUID = CTImageStorage
    found.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    found.Modality = "CT"
    found.PatientName = "Nobody^Knows"
    found.StudyInstanceUID = study
    found.SeriesInstanceUID = series
    found.InstanceNumber = number
    code = Dataset()
    code.CodeValue = "T-1"
    found.ProcedureCodeSequence = Sequence([code])
    found["ProcedureCodeSequence"].is_undefined_length = True
    found.SamplesPerPixel = 1
    found.PhotometricInterpretation = "MONOCHROME2"
    found.Rows = found.Columns = SIDE
    found.BitsAllocated = found.BitsStored = 16
    found.HighBit = 15
    found.PixelRepresentation = 0
    found.PixelData = bytes((at * 7 + number) % 251 for at in range(SIDE * SIDE * 2))
    if syntax == "rle":
        found.compress(RLELossless)
    return found


for line in open(sys.argv[1], encoding="utf-8"):
    path, syntax, study, series, number = line.rstrip("\n").split("\t")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    image(syntax, study, series, int(number)).save_as(path, enforce_file_format=True)
