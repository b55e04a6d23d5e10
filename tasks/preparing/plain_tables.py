"""The competitions whose raw data are one plain table: a tenth of its rows, drawn at random, becomes the test half.

`tables.toml` holds what differs between them. The bytes are those that `mlebench prepare` writes: it reads with pandas'
round-trip converter (the only one since pandas 3.1), splits with scikit-learn's `train_test_split(test_size=0.1,
random_state=0)` and writes with `DataFrame.to_csv(index=False)`.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import Field

from podium.errors import UserError
from podium.settings import checked, read_toml
from podium.spec import Spec
from tasks.benchmark_row import BenchmarkRow

if TYPE_CHECKING:
    import pandas as pd

RAW: Final = "train.csv"
"""The one raw file that is read."""
TABLES: Final = Path(__file__).resolve().parent / "tables.toml"
TEST_SHARE: Final = 0.1


class Draw(Spec):
    """Whole numbers, uniform from `low` to `high`, both included."""

    low: int
    high: int
    seed: int


class PlainTable(Spec):
    """How one such competition is split, and the digests of what the benchmark made of it."""

    hidden: tuple[str, ...] = ()
    """Columns of the test rows that only the answers have."""
    shown: tuple[str, ...] = ()
    """The only columns of the test rows that agents see, in this order; empty: all that are not hidden."""
    sample: dict[str, bool | int | float | str | Draw]
    """The sample submission's target columns."""
    zip: str = Field(pattern="^[0-9a-f]{32}$")
    """MD5 of Kaggle's archive."""
    public: dict[str, str]
    """MD5 by file name, description aside."""
    private: dict[str, str]


@functools.cache
def tables() -> dict[str, PlainTable]:
    """These competitions by id."""
    return {name: checked(PlainTable, values, f"{TABLES}: {name}") for name, values in read_toml(TABLES).items()}


def split(row: BenchmarkRow, table: PlainTable, raw: Path, public: Path, private: Path) -> None:
    """Write both halves of the table in the file `raw` into the folders `public` and `private`, which exist.

    Raises UserError where the file is not the competition's table.
    """
    from sklearn.model_selection import train_test_split

    frame = _read(raw)
    _check(row, table, frame, raw)
    train, test = train_test_split(frame, test_size=TEST_SHARE, random_state=0)
    shown = test[list(table.shown)] if table.shown else test.drop(columns=list(table.hidden))
    _write(test, private / row.answers)
    _write(train, public / RAW)
    _write(shown, public / "test.csv")
    _write(_sample(row, table, test), public / row.sample)


def _read(raw: Path) -> pd.DataFrame:
    import pandas as pd

    try:
        return pd.read_csv(raw)
    except (ValueError, OSError) as error:  # pandas' own errors are ValueErrors
        raise UserError(
            f"{raw} cannot be read as a table: {str(error).strip().splitlines()[-1]}.",
            "Take the file from Kaggle's archive again.",
        ) from None


def _check(row: BenchmarkRow, table: PlainTable, frame: pd.DataFrame, raw: Path) -> None:
    """Raise UserError unless the table can be split without giving an answer away."""
    remedy = f"Take the file from Kaggle's archive of {row.id} again."
    wanted = dict.fromkeys([*row.ids, *table.shown, *table.hidden, *table.sample])
    missing = [name for name in wanted if name not in frame]
    if missing:
        raise UserError(f"{raw} lacks the columns {', '.join(missing)}.", remedy)
    if frame.duplicated(subset=list(row.ids)).any():
        raise UserError(f"{raw} names some rows ({', '.join(row.ids)}) twice.", remedy)
    if len(frame) < 2:
        raise UserError(f"{raw} has {len(frame)} rows, too few for two halves.", remedy)


def _sample(row: BenchmarkRow, table: PlainTable, test: pd.DataFrame) -> pd.DataFrame:
    sample = test[list(row.ids)].copy()
    for name, value in table.sample.items():
        sample[name] = _drawn(value, len(sample)) if isinstance(value, Draw) else value
    return sample


def _drawn(draw: Draw, count: int) -> Any:
    import numpy as np

    return np.random.RandomState(draw.seed).randint(draw.low, draw.high + 1, size=count)


def _write(frame: pd.DataFrame, file: Path) -> None:
    frame.to_csv(file, index=False)
