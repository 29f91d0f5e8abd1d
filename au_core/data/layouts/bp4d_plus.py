"""Layout ``bp4d_plus``: BP4D+ (140 people), coded for occurrence in T1, T6, T7 and T8 only.

Written against the release that rPPG-Toolbox reads (``2D+3D/F001.zip``, to be unpacked to
``2D+3D/F001/T1/0000.jpg``; ``AUCoding/AU_OCC/F001_T1.csv``; ``2DFeatures/F001_T1.mat``). Its AU_OCC files
have 34 AU columns where BP4D's have one for every number (FMAE-IAT), so columns are found by header. AU
frames count from 1 and the released pictures from 0 (``%04d.jpg``): AU frame f is picture f - 1 (two public
readers without a name). Pictures whose lowest number is 1 or that of the lowest label are taken as numbered
like the labels: people extract pictures anew, or have BP4D in this layout. Sequence F041_T7, whose lengths
differ (rPPG-Toolbox leaves it out), is read, and the frames without a picture are listed.
"""

from dataclasses import replace
from pathlib import Path

from au_core.data.layouts import bp4d
from au_core.data.layouts.tree import child, children, no_numbered_picture, numbered_pictures
from au_core.data.schema import FrameRows, SequenceRef
from au_core.errors import DatasetError

EXPECTED = "2D+3D/F001/T1/0000.jpg and AUCoding/AU_OCC/F001_T1.csv"


def list_sequences(root: Path, uncoded: int = 0) -> list[SequenceRef]:
    """One sequence for each AU_OCC csv, with ``uncoded`` one for each task.

    Raises:
        DatasetError: no csv, no folder of subjects, or pictures still in their zip files.
    """
    zips = children(child(root, r"2D\+3D"), r"[FM]\d{3}\.zip")
    if zips and not children(zips[0].parent, r"[FM]\d{3}"):
        raise DatasetError(f"{zips[0]}: the pictures are still packed; unpack each zip beside itself")
    found = bp4d.list_sequences(root, "bp4d_plus", EXPECTED, uncoded)
    return [replace(ref, dataset="BP4D+") for ref in found]


def read_rows(ref: SequenceRef) -> FrameRows:
    """The frames of one sequence, coded or asked for, numbered as in the labels.

    Raises:
        DatasetError: a damaged csv or mat, or no picture at all.
    """
    source = Path(ref.root) / ref.source
    frames, codes = bp4d.read_codes(ref)
    if source.is_file():
        return bp4d.rows_of(ref, frames, codes, None)
    found = numbered_pictures(source)
    if not found:
        raise _no_picture(source)
    lowest = min(found)
    shift = 0 if lowest in (1, *frames[:1]) else 1
    how = "from 0" if shift else "like the labels"
    remarks = (f"the lowest picture is {lowest}; taken as counted {how}",) if lowest > 1 else ()
    rows = bp4d.rows_of(ref, frames, codes, {n + shift: path for n, path in found.items()})
    return replace(rows, remarks=remarks)


def _no_picture(folder: Path) -> DatasetError:
    packed = folder.parent.with_suffix(".zip")
    why = f"; {packed.name} is still packed, unpack it beside itself" if packed.exists() else ""
    return no_numbered_picture(folder, f"0000.jpg{why}")
