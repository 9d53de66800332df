"""The single symbols of LaTeX: a letter with its accent, its index, and what belongs to its name above it."""

import re
from pathlib import Path
from typing import NamedTuple

import yaml

LATIN = "abcdefghijklmnopqrstuvwxyz"
GREEK = (
    "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi pi varpi rho varrho "
    "sigma varsigma tau upsilon phi varphi chi psi omega"
).split()
SIGNS = {r"\rVert", r"\langle"}
"""Signs that are looked up like letters: a norm is found by its right bar, whose index says which norm it is."""
ACCENTS = {"\\" + name for name in "hat tilde bar mathcal mathbb mathbf mathrm".split()}
NAMED = {"*", "+", r"\pi"}
"""What makes another symbol of a letter when it stands above it; anything else there is a power or a position."""
COUNTING = set("ijklmnstuL0123456789+-,()")
"""What an index is made of that counts, and does not name: all such indices are one, ``#``."""
TOKEN = re.compile(r"\\[a-zA-Z]+|\\.|[A-Za-z]|\d+|\S")
WORDS = re.compile(r"\\(?:text|operatorname|begin|end)\s*\{[^{}\\]*\}")
MATH = re.compile(r"(?s)\$\$(.+?)\$\$|(?<![\\$])\$(?!\$)(.+?)(?<!\\)\$")
CODE = re.compile(r"(?ms)^(```+)(?!\{)[^\n]*\n.*?^\1$|<!--.*?-->|`[^`\n]*`")


class Symbol(NamedTuple):
    """Such as v̂ with the index CE: the letter ``v``, the accent ``\\hat``, the mark ``_CE``."""

    letter: str
    accent: str = ""
    mark: str = ""


def macros():
    """The commands of the book, each with the tokens that it stands for."""
    config = yaml.safe_load((Path(__file__).resolve().parents[2] / "_config.yml").read_text("utf-8"))
    given = config["sphinx"]["config"]["mathjax3_config"]["tex"]["macros"]
    return {
        "\\" + name: TOKEN.findall(WORDS.sub(" ", text if isinstance(text, str) else text[0]))
        for name, text in given.items()
    }


MACROS = macros()


def group(tokens, at):
    """The argument that begins at a token, without its braces, and where it ends."""
    if at >= len(tokens) or tokens[at] != "{":
        return tokens[at : at + 1], at + 1
    depth = 0
    for end in range(at, len(tokens)):
        depth += (tokens[end] == "{") - (tokens[end] == "}")
        if depth == 0:
            return tokens[at + 1 : end], end + 1
    return tokens[at + 1 :], len(tokens)


def expanded(tokens):
    """The tokens with the book's commands written out."""
    at, out = 0, []
    while at < len(tokens):
        if tokens[at] not in MACROS:
            out, at = [*out, tokens[at]], at + 1
            continue
        meaning, at = MACROS[tokens[at]], at + 1
        arguments = {}
        for number in range(1, 1 + meaning.count("#")):
            arguments[str(number)], at = group(tokens, at)
        for here, token in enumerate(meaning):
            if meaning[max(here - 1, 0)] == "#":
                out += expanded(arguments[token])
            elif token != "#":
                out.append(token)
    return out


def is_letter(token):
    name = token.lstrip("\\").lower()
    return token in SIGNS or (name in GREEK if token.startswith("\\") else len(token) == 1 and name in LATIN)


def index(tokens):
    """How an index is told from others: ``_#`` where it counts, else by its name."""
    plain = [token for token in tokens if token not in ACCENTS | {"{", "}"}]
    return "_#" if set("".join(plain)) <= COUNTING else "_" + "".join(plain)


def marks(tokens, at):
    """The mark of the symbol that ends before a token; what stands in its index; where it ends."""
    above = below = ""
    inside = []
    while at < len(tokens):
        argument, end = group(tokens, at + 1)
        if tokens[at] == "'":
            above, at = above + "'", at + 1
        elif tokens[at] == "_" and not below:
            below, inside, at = index(argument), argument, end
        elif tokens[at] == "^" and "".join(argument) in NAMED and not above:
            above, at = "^" + "".join(argument), end
        else:
            break
    return above + below, inside, at


def found(tokens):
    """The symbols in a list of tokens, in their order; those in an index that counts too."""
    at, out = 0, []
    while at < len(tokens):
        accent = tokens[at] if tokens[at] in ACCENTS else ""
        letter, end = group(tokens, at + 1) if accent else ([tokens[at]], at + 1)
        if not accent and not is_letter(tokens[at]):
            at += 1
            continue
        mark, inside, at = marks(tokens, end)
        out.append(Symbol("".join(letter), accent, mark))
        out += found(inside) if mark.endswith("_#") else []
    return out


def symbols(formula):
    """The symbols of a formula, in their order."""
    return found(expanded(TOKEN.findall(WORDS.sub(" ", formula))))


def formulas(text):
    """The formulas in Markdown, outside code: those displayed, and those in a line."""
    pairs = MATH.findall(CODE.sub(" ", text))
    return [shown for shown, _ in pairs if shown], [inline for _, inline in pairs if inline]


def symbols_in(text, displayed=False):
    """The set of the symbols in Markdown, or in its displayed equations."""
    shown, inline = formulas(text)
    return {symbol for formula in shown + ([] if displayed else inline) for symbol in symbols(formula)}
