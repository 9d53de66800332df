"""What the proof checker made of the sources: each exported theorem's type, elaborated, and the definitions that it reaches.

What is written passes through notations, scopes, implicit arguments and sections before the kernel sees it. Here stands
what the kernel saw.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from icrl.verify.kernel import rocq, sources
from icrl.verify.kernel.sources import Refused, Sentence

WHOLE = (
    "Set Printing Width 1000000.",
    "Set Printing Depth 100000000.",
    "Unset Printing Notations.",
    "Unset Printing Implicit Defensive.",
)
"""Each answer a line, however long, and nothing cut off; names with their module, as nothing is imported."""


def statements(wanted: Iterable[str], folder: Path, work: Path) -> dict[str, Any]:
    """What to keep on record of the theorems ``file.name`` of ``folder``, compiled in ``work``.

    ``statements``: by theorem its type without notations; the SHA-256 of the type with nothing left out; and the
    definitions of ours that it reaches, by themselves and by one another. ``definitions``: the SHA-256 of each of
    these, also with nothing left out; ``elaborated``: the SHA-256 of both. Raises ``Refused`` for a name of ours that
    the sources do not state.
    """
    stated = sources.stated(sources.sources(folder))
    plain, whole = printed(sorted(wanted), stated, work)
    owner = owners(stated)
    mentions = {name: mentioned(text, owner) - {name} for name, text in whole.items()}
    reaches = {name: reached(name, mentions) for name in plain}
    found = {
        "statements": {
            name: {"elaborated": plain[name], "sha256": sha256(whole[name]), "reaches": sorted(reaches[name])}
            for name in plain
        },
        "definitions": {name: sha256(whole[name]) for name in sorted(set().union(*reaches.values()))},
    }
    return {**found, "elaborated": fingerprint(found)}


def fingerprint(record: Mapping[str, Any]) -> str:
    """SHA-256 of the statements and definitions on record."""
    return sha256(json.dumps([record["statements"], record["definitions"]], sort_keys=True))


def sha256(text: str) -> str:
    """SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def printed(wanted: Sequence[str], stated: Mapping[str, Sentence], work: Path) -> tuple[dict[str, str], dict[str, str]]:
    """The types of the ``wanted`` theorems without notations, and, with nothing left out, all that is stated: of lemmas the types, else the terms."""
    ask = lambda name: "Check @" if stated[name].words.startswith(("Theorem", "Lemma")) else "Print "
    asked = {f"plain {name}": f"Unset Printing All. Check @icrl.{name}." for name in wanted}
    asked |= {name: f"Set Printing All. {ask(name)}icrl.{name}." for name in stated}
    files = list(dict.fromkeys(name.partition(".")[0] for name in stated))
    found = {
        name: as_read(answer) for name, answer in rocq.answers(asked, files, "print_statements", work, WHOLE).items()
    }
    plain = {name: found.pop(f"plain {name}") for name in wanted}
    # With nothing left out, a record's fields come without their names.
    return plain, {name: f"{sentence.words} " * is_record(sentence) + found[name] for name, sentence in stated.items()}


def is_record(sentence: Sentence) -> bool:
    """Whether the sentence states a record."""
    return sentence.words.startswith("Record ")


def as_read(answer: str) -> str:
    """An answer of ``Check`` or ``Print``, with single blanks, without the name of a type and the remarks on a term."""
    term = answer.strip().partition("\n\n")[0]
    return " ".join(re.sub(r"\A\S+\s+: ", "", term).split())


def owners(stated: Mapping[str, Sentence]) -> dict[str, str]:
    """What states each name ``file.name`` of ours that a term may hold: itself, or the record whose field or constructor it is."""
    fields = {
        f"{name.partition('.')[0]}.{word}": name
        for name, sentence in stated.items()
        if is_record(sentence)
        for word in re.findall(r"[\w']+", sentence.words)
    }
    return fields | {name: name for name in stated}


def mentioned(term: str, owner: Mapping[str, str]) -> set[str]:
    """What of ours a term speaks of; ``Refused`` for a name of our files that the sources do not state."""
    files = "|".join(dict.fromkeys(name.partition(".")[0] for name in owner))
    names = re.findall(rf"(?<![\w.'])(?:icrl\.)?((?:{files})\.[\w']+)", term)
    if unknown := sorted(set(names) - set(owner)):
        raise Refused(f"{', '.join(unknown)}, which a statement reaches, is not stated in the sources")
    return {owner[name] for name in names}


def reached(name: str, mentions: Mapping[str, set[str]]) -> set[str]:
    """What is mentioned by ``name``, and by what is mentioned, and so on."""
    found: set[str] = set()
    new = mentions[name]
    while new := new - found:
        found |= new
        new = set().union(*(mentions[one] for one in new))
    return found


def restated(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """The theorems on record ``before`` that are gone or say something else ``now``, and the definitions that do."""
    there, here = before.get("statements", {}), now["statements"]
    old, new = before.get("definitions", {}), now["definitions"]
    theorems = [name for name in there if name not in here or here[name]["sha256"] != there[name]["sha256"]]
    return theorems + [name for name in old if name in new and new[name] != old[name]]
