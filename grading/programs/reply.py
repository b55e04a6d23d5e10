"""What a program in the jail answers to a file: its table, why there is none, or that another reader must be asked.

Runs inside the sandbox: standard library only, beside the reader's own libraries.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from grading.programs.columns import Refused, Sheet, encode

TABLE, REFUSED, DECLINED = b"table   ", b"refused ", b"declined"
"""The first eight bytes of an answer."""

Reader = Callable[[bytes, dict[str, int]], Sheet | None]


def answering(read: Reader) -> Callable[[bytes, bytes], list[Any]]:
    """The program's `answer`: to orders (JSON) and a file's content."""

    def answer(orders: bytes, content: bytes) -> list[Any]:
        try:
            sheet = read(content, json.loads(orders))
        except Refused as refusal:
            return [REFUSED, str(refusal).encode("utf-8", "replace")]
        return [DECLINED] if sheet is None else [TABLE, *encode(sheet)]

    return answer
