"""Writes the DICOM files beside this script, with pydicom 2.4.4: `python make.py DIRECTORY`.

`ends.txt` says of each where its elements end, as pydicom reads them: cut off there, a file looks whole.
"""
import os
import sys
import warnings

from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.filereader import _read_file_meta_info, data_element_generator, read_preamble
from pydicom.sequence import Sequence
from pydicom.uid import (
    CTImageStorage, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ExplicitVRLittleEndian,
    ImplicitVRLittleEndian, JPEGBaseline8Bit, PYDICOM_IMPLEMENTATION_UID, RLELossless,
)

warnings.filterwarnings("ignore")
HERE = sys.argv[1]
SERIES = "1.2.826.0.1.3680043.8.498.1"


def image(syntax):
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = SERIES + ".1"
    meta.TransferSyntaxUID = syntax
    meta.ImplementationClassUID = PYDICOM_IMPLEMENTATION_UID
    found = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    found.SOPClassUID = CTImageStorage
    found.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    found.Modality = "CT"
    found.PatientName = "Nobody^Knows"
    found.StudyInstanceUID = "1.2.826.0.1.3680043.8.498"
    found.SeriesInstanceUID = SERIES
    found.InstanceNumber = 1
    inner = Dataset()
    inner.CodeValue = "I"
    item = Dataset()
    item.CodeValue = "T-1"
    item.ConceptCodeSequence = Sequence([inner])
    found.ProcedureCodeSequence = Sequence([item, Dataset()])
    found.SamplesPerPixel = 1
    found.PhotometricInterpretation = "MONOCHROME2"
    found.Rows = 4
    found.Columns = 6
    found.BitsAllocated = 16
    found.BitsStored = 12
    found.HighBit = 11
    found.PixelRepresentation = 0
    found.PixelData = bytes(at * 7 % 251 for at in range(48))
    found.is_little_endian = True
    found.is_implicit_VR = False
    return found


def delimited(found):
    found["ProcedureCodeSequence"].is_undefined_length = True
    for item in found.ProcedureCodeSequence:
        item.is_undefined_length_sequence_item = True
    found.ProcedureCodeSequence[0]["ConceptCodeSequence"].is_undefined_length = True


def save(name, found):
    path = os.path.join(HERE, name)
    found.save_as(path, write_like_original=False)
    if name == "deflated.dcm":
        return
    with open(path, "rb") as file:
        read_preamble(file, False)
        _read_file_meta_info(file)
        ends = []
        for _ in data_element_generator(file, found.is_implicit_VR, found.is_little_endian):
            ends.append(file.tell())
    with open(os.path.join(HERE, "ends.txt"), "a", encoding="ascii") as listed:
        print(name, *ends, file=listed)


found = image(ExplicitVRLittleEndian)
delimited(found)
save("explicit.dcm", found)

found = image(ImplicitVRLittleEndian)
found.is_implicit_VR = True
save("implicit.dcm", found)

found = image(ExplicitVRBigEndian)
found.is_little_endian = False
delimited(found)
save("big.dcm", found)

save("deflated.dcm", image(DeflatedExplicitVRLittleEndian))

found = image(ExplicitVRLittleEndian)
found.compress(RLELossless)
save("rle.dcm", found)

found = image(JPEGBaseline8Bit)
found.PixelData = encapsulate([b"\xff\xd8abcdefgh\xff\xd9", b"\xff\xd8ij\xff\xd9"])
found["PixelData"].is_undefined_length = True
found.NumberOfFrames = 2
found.add_new(0xFFFCFFFC, "OB", b"\0" * 10)
save("fragments.dcm", found)
