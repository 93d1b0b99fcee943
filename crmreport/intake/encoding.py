"""Which encoding a text file is in: byte order marks first, then what decodes without an error."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from crmreport.errors import DataError

_SAMPLE = 1 << 20
_RARE_LEAD = 0xE0
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_UNUSED = re.compile("[\x80\uf8f0-\uf8f3]")
_LONE_KANA = re.compile("(?<![\uff61-\uff9f])[\uff61-\uff9f](?![\uff61-\uff9f])")


def detect_encoding(path: Path, name: str, *, declared: str = "auto") -> str:
    """The codec to read a text file with.

    Tried in this order: byte order mark, UTF-16 by its NUL bytes, UTF-8, cp932. The whole
    file must decode; EUC-JP, which cp932 would take for half-width kana, is recognised and refused.

    Args:
        path: The file.
        name: How errors call it.
        declared: The client file's ``encoding``; anything but ``auto`` is only checked to exist.

    Raises:
        DataError: Unknown codec name, or no encoding fits.
    """
    if declared != "auto":
        try:
            codec = codecs.lookup(declared).name
        except LookupError:
            raise DataError(
                f"{name}: {declared!r} is no encoding Python knows; use utf-8, cp932, utf-16 or auto"
            ) from None
        return "utf-8" if codec == "utf-8-sig" else codec
    with path.open("rb") as file:
        head = file.read(_SAMPLE)
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8"
    if head.startswith(codecs.BOM_UTF16_LE):
        return "utf-16-le"
    if head.startswith(codecs.BOM_UTF16_BE):
        return "utf-16-be"
    if wide := _wide(head):
        return wide
    failure = _first_failure(path, "utf-8")
    if failure is None:
        return "utf-8"
    if _plausible_cp932(head) and _first_failure(path, "cp932") is None:
        return "cp932"
    found = (
        "it looks like EUC-JP"
        if _looks_like_euc(head)
        else f"byte 0x{failure[1]:02x} at offset {failure[0]:,}"
    )
    raise DataError(
        f"{name}: unknown encoding, not UTF-8, UTF-16 or cp932 ({found}); "
        "save it as UTF-8, or set the source's encoding"
    )


def _wide(head: bytes) -> str | None:
    """UTF-16 without a mark: ASCII (commas, digits, line ends) leaves NULs in one half of the byte pairs."""
    if len(head) < 4:
        return None
    pairs = len(head) // 2
    even, odd = head[0 : pairs * 2 : 2].count(0), head[1 : pairs * 2 : 2].count(0)
    if odd > pairs * 0.2 and even < pairs * 0.01:
        return "utf-16-le"
    if even > pairs * 0.2 and odd < pairs * 0.01:
        return "utf-16-be"
    return None


def _first_failure(path: Path, codec: str) -> tuple[int, int] | None:
    """Offset and byte where decoding fails, or None."""
    decoder = codecs.getincrementaldecoder(codec)("strict")
    offset = 0
    with path.open("rb") as file:
        while True:
            block = file.read(_SAMPLE * 4)
            held = decoder.getstate()[0]
            try:
                decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                return offset - len(held) + error.start, error.object[error.start]
            if not block:
                return None
            offset += len(block)


def _plausible_cp932(head: bytes) -> bool:
    """False where cp932 would decode something else without complaint.

    Python's cp932 gives private characters to five bytes Windows leaves unused; Western text
    turns into single half-width kana and into rare kanji (lead bytes from 0xe0).
    """
    if b"\x1b$" in head or _looks_like_euc(head):
        return False
    text = head.decode("cp932", errors="ignore")
    if _UNUSED.search(text):
        return False
    wide = _NOT_ASCII.findall(text)
    rare = sum(c.encode("cp932")[0] >= _RARE_LEAD for c in wide)
    return rare + len(_LONE_KANA.findall(text)) <= len(wide) / 2


def _looks_like_euc(head: bytes) -> bool:
    try:
        euc = head[: len(head) - 1 if len(head) == _SAMPLE else None].decode("euc_jp")
    except UnicodeDecodeError:
        return False
    as_cp932 = head.decode("cp932", errors="replace")
    kana = sum("\uff61" <= c <= "\uff9f" for c in as_cp932)
    kanji = sum("\u3040" <= c <= "\u9fff" for c in euc)
    return kanji > 0 and kana >= kanji
