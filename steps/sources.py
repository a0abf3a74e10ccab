"""What to score: one table's file, or a folder of them that are one table."""

import os
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from steps.batches import column_types
from steps.errors import StepError, listed
from steps.files import FORMATS, has_ending, is_parquet, local_path, reading
from steps.folders import sha256_of
from steps.uris import is_uri, local_source


class Part(NamedTuple):
    """A file of the table."""

    path: Path
    data: str  # as the user knows it, with its ending


class Source(NamedTuple):
    """The files of one table, in the order of their names."""

    data: str  # as given
    parts: list[Part]
    is_folder: bool

    def sha256(self) -> str:
        """Hash the file; of a folder, what ``sha256sum *`` prints there."""
        if not self.is_folder:
            return sha256_of(self.parts[0].path)
        lines = [f"{sha256_of(part.path)}  {part.path.name}\n" for part in self.parts]
        return sha256("".join(lines).encode()).hexdigest()

    def n_bytes(self) -> int:
        """Count the bytes of all files."""
        return sum(part.path.stat().st_size for part in self.parts)

    def n_rows(self) -> int | None:
        """Count the rows where the files tell: parquet."""
        if not is_parquet(self.parts[0].data):
            return None
        return sum(pq.read_metadata(part.path).num_rows for part in self.parts)


def find_source(data: str, folder: str, parameter: str = "input") -> Source:
    """Find the files of a table, or download them.

    Parameters
    ----------
    data : str
        A CSV, gzipped CSV or parquet file, or a folder of such files: a path or a URI.
    folder : str
        For what is downloaded.
    parameter : str
        The name that the user knows it by.

    Returns
    -------
    Source

    Raises
    ------
    StepError
        When there is none, or a folder holds something else.
    """
    path = Path(os.path.abspath(Path(data).expanduser()))
    if is_uri(data) and not has_ending(data) and not data.startswith("http"):
        path = local_source(data, folder, parameter)
    elif is_uri(data) or not path.is_dir():
        path = local_path(data, folder, parameter)
    if not path.is_dir():
        if not has_ending(data):
            raise StepError(
                f"{parameter}: expected a folder, or a name ending in {', '.join(FORMATS)}, got "
                f"{data!r}"
            )
        return Source(data, [Part(path, data)], is_folder=False)
    with reading(data, parameter):
        parts = [Part(file, f"{data.rstrip('/')}/{file.name}") for file in _files_in(path)]
    return Source(data, parts, is_folder=True)


def _files_in(folder: Path) -> list[Path]:
    """List a folder's tables; what Spark and others hide (``_SUCCESS``, ``.crc``) is none."""
    paths = sorted(path for path in folder.iterdir() if not path.name.startswith(("_", ".")))
    foreign = [path.name for path in paths if path.is_dir() or not has_ending(path.name)]
    if foreign:
        raise StepError(
            f"expected a folder of files ending in {', '.join(FORMATS)}, found {listed(foreign)} "
            "there; take that out, or give another folder"
        )
    if not paths:
        raise StepError(f"expected files ending in {', '.join(FORMATS)}, got an empty folder")
    if len({is_parquet(path.name) for path in paths}) > 1:
        raise StepError(
            "expected CSV files or parquet files, got both; put them into folders of their own"
        )
    return paths


def types_of(source: Source, parameter: str = "input") -> list[dict[str, pa.DataType]]:
    """Read the columns of every file: all have the same names, in any order.

    Parameters
    ----------
    source : Source
    parameter : str

    Returns
    -------
    list of dict of str to DataType

    Raises
    ------
    StepError
        Naming the first file that differs.
    """
    found: list[dict[str, pa.DataType]] = []
    for part in source.parts:
        with reading(part.data, parameter):
            found.append(column_types(part.path, part.data))
            first, names = found[0], found[-1]
            lacks = [name for name in first if name not in names]
            more = [name for name in names if name not in first]
            if lacks or more:
                raise StepError(
                    f"expected the columns of {source.parts[0].path.name}, "
                    + " and ".join(
                        f"{what} {listed(map(repr, some))}"
                        for what, some in (("lacks", lacks), ("has also", more))
                        if some
                    )
                )
    return found
