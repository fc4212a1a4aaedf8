"""
The weights: taken out of nsfwjs's package, and kept in a file whose every byte is known.

nsfwjs 4.4.0 (MIT) brings the model MobileNetV2Mid as JavaScript: its graph as a literal, its weights as base64 of one
byte each, which ``minimum + scale × byte`` turns into numbers. Anybody may have packed the file that is handed in, so
only members whose SHA-256 is known are read any further. The file that comes of them is known by its own.
"""

import base64
import gzip
import hashlib
import math
import os
import re
import tarfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, cast

import msgspec

from bot.domain.errors import ClassifierError

PACKAGE = "nsfwjs-4.4.0.tgz"
FOLDER, FILE = "classifier", "mobilenet_v2_mid.weights"
FILE_SHA256 = "96bdd84c644bc11459dbda33302dd6319ef275e1fab613c1a2ba7bbea09c1e69"
FILE_MAX = 8 * 1024 * 1024
UNPACKED_MAX = 128 * 1024 * 1024
"""Bytes; the package has 42 MB."""
ENTRIES_MAX = 1_000

_AT = "package/dist/models/mobilenet_v2_mid/"
_MODEL, _SHARDS = "model.min.js", ("group1-shard1of2.min.js", "group1-shard2of2.min.js")
MEMBERS: Mapping[str, tuple[int, str]] = {
    _AT + _MODEL: (128_625, "a7a9e701491e2449b221dab7c424957f853e700602b5575da33cfd745616f964"),
    _AT + _SHARDS[0]: (5_593_186, "f2e79a209e44d668220ec5f1533a98f2be954e3953685bf074d201b82fefc29a"),
    _AT + _SHARDS[1]: (142_742, "f291df992a0131741372506a6072fb9f1645bff7c973c983fd6276f5f9625d5e"),
}
"""The members that are read, with size and SHA-256."""

_TENSOR = re.compile(
    r'\{name:"(?P<name>[^"]+)",shape:\[(?P<shape>[\d,]*)\],dtype:"float32",'
    r'quantization:\{min:(?P<minimum>[-\d.]+),scale:(?P<scale>[-\d.]+),dtype:"uint8"\}\}'
)
_BASE64 = re.compile(r'"([A-Za-z0-9+/=]{1000,})"')


class Tensor(msgspec.Struct, frozen=True):
    """Where a tensor's bytes stand, in order, and what they mean: ``minimum + scale × byte``."""

    name: str
    shape: tuple[int, ...]
    minimum: float
    scale: float

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return math.prod(self.shape)


class Weights(msgspec.Struct, frozen=True):
    """What the file holds."""

    tensors: tuple[Tensor, ...]
    data: bytes


def path_in(data_dir: Path) -> Path:
    """Where the weights of *data_dir* are, if there are any."""
    return data_dir / FOLDER / FILE


def read_weights(data_dir: Path) -> Weights | None:
    """
    The weights, None where none were imported.

    Raises `ClassifierError` ``classifier.damaged`` for any other file in their place, ``classifier.closed``.
    """
    path = path_in(data_dir)
    try:
        with path.open("rb") as file:
            kept = file.read(FILE_MAX + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ClassifierError("classifier.closed", path=path, why=error.strerror) from error
    if hashlib.sha256(kept).hexdigest() != FILE_SHA256:
        raise ClassifierError("classifier.damaged", path=path)
    return msgspec.msgpack.decode(kept, type=Weights)


def import_weights(package: Path, data_dir: Path) -> Path:
    """
    Take the weights out of *package* and keep them in *data_dir*; the file that holds them.

    Raises `ClassifierError`: ``classifier.missing`` (no such file), ``classifier.foreign`` (not that package),
    ``classifier.closed`` (it, or *data_dir*, cannot be used).
    """
    try:
        kept = _packed(_members(package))
    except FileNotFoundError as error:
        raise ClassifierError("classifier.missing", path=package) from error
    except (EOFError, zlib.error, gzip.BadGzipFile, tarfile.TarError, ValueError) as error:
        raise ClassifierError("classifier.foreign", path=package) from error
    except OSError as error:
        raise ClassifierError("classifier.closed", path=package, why=error.strerror) from error
    path = path_in(data_dir)
    try:
        _write(path, kept)
    except OSError as error:
        raise ClassifierError("classifier.closed", path=path, why=error.strerror) from error
    return path


def _write(path: Path, kept: bytes) -> None:
    """All of it or nothing: a running bot may read it just now."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as file:
        file.write(kept)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


class _Bounded:
    """Reads what a stranger packed, and no more of it than is good for us."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._left = UNPACKED_MAX

    def read(self, size: int) -> bytes:
        piece = self._file.read(min(size, self._left + 1))
        self._left -= len(piece)
        if self._left < 0:
            raise ValueError("more than the package has")
        return piece


def _members(package: Path) -> Mapping[str, bytes]:
    """The members that are known. Raises ValueError where one is not as it should be; nothing is written anywhere."""
    found: dict[str, bytes] = {}
    with gzip.open(package) as unpacked:
        bounded = cast(IO[bytes], _Bounded(cast(IO[bytes], unpacked)))
        with tarfile.open(fileobj=bounded, mode="r|") as archive:
            for n, entry in enumerate(archive):
                if entry.name in MEMBERS and entry.name not in found:
                    found[entry.name] = _checked(archive, entry)
                if len(found) == len(MEMBERS):
                    return found
                if n > ENTRIES_MAX:
                    break
    raise ValueError("members are missing")


def _checked(archive: tarfile.TarFile, entry: tarfile.TarInfo) -> bytes:
    size, digest = MEMBERS[entry.name]
    file = archive.extractfile(entry) if entry.isreg() and entry.size == size else None
    data = file.read(size) if file is not None else b""
    if hashlib.sha256(data).hexdigest() != digest:
        raise ValueError(entry.name)
    return data


def _packed(members: Mapping[str, bytes]) -> bytes:
    """The file that is kept; the same members give the same bytes."""
    model = members[_AT + _MODEL].decode()
    tensors = tuple(_tensor(match.groupdict()) for match in _TENSOR.finditer(model))
    data = b"".join(_unquoted(members[_AT + shard].decode()) for shard in _SHARDS)
    if sum(tensor.size for tensor in tensors) != len(data):
        raise ValueError("graph and weights differ")
    return msgspec.msgpack.encode(Weights(tensors=tensors, data=data))


def _tensor(fields: Mapping[str, Any]) -> Tensor:
    shape = tuple(int(side) for side in fields["shape"].split(",") if side)
    name = fields["name"].rpartition("/predict/")[2]
    return Tensor(name=name, shape=shape, minimum=float(fields["minimum"]), scale=float(fields["scale"]))


def _unquoted(shard: str) -> bytes:
    return base64.b64decode(_BASE64.findall(shard)[0], validate=True)
