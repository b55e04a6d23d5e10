"""Mending a program by its error text, as one would by hand: each rule knows one kind of message."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable

from podium.spec import Spec
from serve.offline.facts import Facts
from serve.offline.imports import import_of, missing_imports


class Mended(Spec):
    """A program with its fault mended, and what was wrong, in words."""

    code: str
    words: str


Rule = Callable[[str, str, Facts | None], Mended | None]
"""(code, error text, facts) -> the mended program, or None where the rule has nothing to say."""

NEW_NAMES = {"n_estimators": "max_iter", "num_iterations": "max_iter", "k": "n_neighbors", "sparse": "sparse_output"}
"""Arguments by which people call others' arguments."""


def mend(code: str, output: str, facts: Facts | None) -> Mended | None:
    """The program mended by the first rule that fits the last error of the output; None where none does."""
    error = last_error(output)
    for rule in RULES:
        mended = rule(code, error, facts)
        if mended is not None and mended.code != code:
            return mended
    return None


def last_error(output: str) -> str:
    """The text from the last traceback on, else the last lines."""
    start = output.rfind("Traceback (most recent call last)")
    return output[start:] if start >= 0 else "\n".join(output.splitlines()[-30:])


def missing_name(code: str, error: str, facts: Facts | None) -> Mended | None:
    """NameError: import what is known by that name."""
    found = re.search(r"NameError: name '(\w+)' is not defined", error)
    if found is None or import_of(found[1]) is None:
        return None
    missing = sorted({found[1], *missing_imports(code)})
    for name in missing:
        code = add_import(code, import_of(name) or "")
    return Mended(code=code, words=f"{', '.join(f'`{name}`' for name in missing)} was used but never imported")


def unknown_column(code: str, error: str, facts: Facts | None) -> Mended | None:
    """KeyError: put the column that is meant in place of the one that is not there."""
    found = re.search(r"KeyError: (?:\"?\[?)'([^']+)'", error) or re.search(r"KeyError: \"?([\w. -]+)\"?", error)
    if found is None or facts is None:
        return None
    meant = _column(found[1], code, facts)
    if meant is None:
        return None
    named = re.compile(rf"(['\"]){re.escape(found[1])}\1")
    words = f"there is no column `{found[1]}`; by the data overview `{meant}` is meant"
    line = _targets_line(found[1], code)
    if line:
        return Mended(code=code.replace(line, named.sub(lambda _: _quoted(meant), line)), words=words)
    return Mended(code=named.sub(lambda _: _quoted(meant), code), words=words)


def text_in_numbers(code: str, error: str, facts: Facts | None) -> Mended | None:
    """A category reached a model that wants numbers: encode it where columns are prepared."""
    if not re.search(r"could not convert string to float|Cannot use median strategy with non-numeric", error):
        return None
    encoder = 'OneHotEncoder(handle_unknown="ignore", min_frequency=3, sparse_output=False)'
    if "tree_columns()," in code and "scaled_columns()," not in code:
        encoder = 'OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)'
    mended = re.sub(r"\((['\"]\w+['\"]), ['\"]passthrough['\"],", rf"(\1, {encoder},", code)
    mended = add_import(mended, import_of(encoder.partition("(")[0]) or "")
    return Mended(code=mended, words="categories went into the model as text; they are encoded now")


def gaps_in_numbers(code: str, error: str, facts: Facts | None) -> Mended | None:
    """Missing values reached a model that takes none: impute them before the numbers are scaled."""
    if not re.search(r"contains NaN|contains infinity", error):
        return None
    imputer = 'SimpleImputer(strategy="median", keep_empty_features=True)'
    mended = re.sub(r"make_pipeline\((scaler|StandardScaler\(\))", rf"make_pipeline({imputer}, \1", code)
    mended = add_import(mended, import_of("SimpleImputer") or "")
    return Mended(code=mended, words="missing numbers went into a model that takes none; they are imputed now")


def unknown_argument(code: str, error: str, facts: Facts | None) -> Mended | None:
    """TypeError: call the argument by its name in this class; without a like one, leave it out."""
    found = re.search(r"(\w+)(?:\.__init__)?\(\) got an unexpected keyword argument '(\w+)'", error)
    if found is None:
        return None
    old = found[2]
    if old in NEW_NAMES:
        mended = _in_call(code, found[1], rf"\b{old}=", f"{NEW_NAMES[old]}=")
        return Mended(code=mended, words=f"the argument is called `{NEW_NAMES[old]}` here, not `{old}`")
    mended = _in_call(code, found[1], rf"\b{old}=[^,()]+(?:\([^()]*\))?,?\s*", "")
    return Mended(code=mended, words=f"`{old}` is no argument here; it is left out")


def frame_or_array(code: str, error: str, facts: Facts | None) -> Mended | None:
    """AttributeError: an array has no `iloc`."""
    if "'numpy.ndarray' object has no attribute 'iloc'" not in error:
        return None
    name = _marked_name(error)
    if not name:
        return None
    return Mended(
        code=re.sub(rf"\b{name}\.iloc\[", f"{name}[", code), words=f"the array `{name}` was indexed like a frame"
    )


def missing_folder(code: str, error: str, facts: Facts | None) -> Mended | None:
    """The folder to write to is not there: make it first."""
    found = re.search(r"non-existent directory: '([^']+)'", error) or re.search(
        r"No such file or directory: '\.?/?(submission|working)/", error
    )
    if found is None:
        return None
    made = f'os.makedirs("{found[1]}", exist_ok=True)'
    return Mended(
        code=add_import(f"{made}\n{code}" if made not in code else code, "import os"),
        words="the folder for the output was missing",
    )


RULES: tuple[Rule, ...] = (
    missing_name,
    unknown_argument,
    unknown_column,
    text_in_numbers,
    gaps_in_numbers,
    frame_or_array,
    missing_folder,
)


def add_import(code: str, line: str) -> str:
    """The program with an import more, before its first one; unchanged where it has it."""
    if not line or re.search(rf"^{re.escape(line)}$", code, re.MULTILINE):
        return code
    lines = code.splitlines(keepends=True)
    # after the settings that must precede numerical libraries: before the last import at the margin
    places = [number for number, text in enumerate(lines) if re.match(r"(import|from) ", text)]
    place = places[-1] if places else 0
    return "".join([*lines[:place], line + "\n", *lines[place:]])


def _in_call(code: str, name: str, pattern: str, new: str) -> str:
    """The program with `pattern` replaced inside the calls of `name`, which hold at most one level of brackets."""
    call = re.compile(rf"\b{name}\((?:[^()]|\([^()]*\))*\)")
    return call.sub(lambda found: re.sub(pattern, new, found[0]), code)


def _column(wrong: str, code: str, facts: Facts) -> str | None:
    """The column that is meant by a name that is none: the target where it stands as target, else the nearest."""
    if _targets_line(wrong, code) and facts.targets:
        return facts.targets[0]
    lowered = {name.lower(): name for name in facts.known}
    near = difflib.get_close_matches(wrong.lower(), lowered, n=1, cutoff=0.6)
    if near:
        return lowered[near[0]]
    if wrong.lower() in ("target", "label", "y", "class") and facts.targets:
        return facts.targets[0]
    return facts.id or None if wrong.lower() in ("id", "row_id", "index") else None


def _targets_line(name: str, code: str) -> str:
    """The line that names `name` as the target; empty where there is none."""
    found = re.search(rf"^TARGETS? = \[?['\"]{re.escape(name)}['\"].*$", code, re.MULTILINE)
    return found[0] if found else ""


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _marked_name(error: str) -> str:
    """The name whose `iloc` failed: the one that the traceback's marks stand under, else the line's last."""
    lines = error.splitlines()
    for line, marks in zip(reversed(lines[:-1]), reversed(lines[1:]), strict=True):
        names = re.findall(r"(\w+)\.iloc\b", line)
        if names:
            marked = re.findall(r"(\w+)\.iloc\b", line[marks.find("^") : marks.rfind("^") + 1])
            return str((marked if len(marked) == 1 else names)[-1])
    return ""
