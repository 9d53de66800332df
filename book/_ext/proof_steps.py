"""Sphinx extension: the directive ``{proof-steps}`` sets proofs, folded, for a reader to step through.

It names theorems, ``file.name``. A proof's sentences stand on the page. What is left to show after each is data, a script
for every source, which is made of proofs/steps.json and loaded when a proof is unfolded: from a disk too.
"""

import re
import tomllib
from functools import cache
from html import escape
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.util import logging
from sphinx.util.osutil import relative_uri

from icrl.verify.kernel import sources, steps

SCRIPTS = "_static/steps"
"""Where the scripts of data stand in the site."""
TACTICS = sources.PROOFS / "tactics.toml"

log = logging.getLogger(__name__)


class StepsNode(nodes.General, nodes.Element):
    """The proof of one theorem, ``file`` and ``name``."""


class StepsDirective(Directive):
    """Folded proofs, in the order in which their theorems are named."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self):
        named = (each.split(".") for each in self.arguments[0].split())
        return [StepsNode(file=file, name=name) for file, name in named]


@cache
def text_of(file):
    """A source."""
    return (sources.PROOFS / f"{file}.v").read_text("utf-8")


def fold(file, name, script):
    """A proof as HTML: its sentences, one of which can be chosen, and the script that tells what is left to show after it."""
    choices = "".join(
        f'<label style="--indent: {indent}"><input type="radio" name="{file}.{name}" value="{i}">'
        f"<code>{escape(sentence)}</code></label>"
        for i, (indent, sentence) in enumerate(
            indented(steps.proofs(text_of(file))[name])
        )
    )
    return f"""<details class="steps" data-file="{file}" data-name="{name}">
<summary>Proof of <code>{name}</code></summary>
<template><script src="{script}"></script></template>
<fieldset><legend class="visually-hidden">The sentences of the proof</legend>{choices}</fieldset>
</details>
"""


def indented(proof):
    """The sentences of a proof, each behind the indentation of its line."""
    indent, line = 0, 0
    for sentence in proof:
        if sentence.first > line:
            indent = sentence.column
        line = sentence.last
        yield indent, f"{sentence.words}."


def visit(self, node):
    """The proof, with the way from its page to its script."""
    page = self.builder.get_target_uri(self.builder.current_docname)
    script = relative_uri(page, f"{SCRIPTS}/{node['file']}.js")
    self.body.append(fold(node["file"], node["name"], script))
    raise nodes.SkipNode


# What is said about a sentence.


@cache
def tactics():
    """What each word does that leads from one goal to the next."""
    return tomllib.loads(TACTICS.read_text("utf-8"))


@cache
def stated():
    """What the sources state, by name: the source, and the sentence."""
    return {
        sentence.states[1]: (Path(file).stem, sentence)
        for file, text in sources.sources().items()
        for sentence in sources.sentences(text)
        if sentence.states
    }


def tactics_in(sentence):
    """The words of a proof's sentence that :func:`tactics` explains, where a tactic can stand."""
    before, *_, tactic = "", *steps.parts(sentence.words)
    for word in re.findall(r"[\w']+|[^\w\s]", tactic):
        if before in ("", *";[|", "by", "first", "last", "do"):
            yield from tactics().keys() & {word}
        before = word


@cache
def brought(file):
    """The modules of ours that a source brings in."""
    return set(sources.imports(text_of(file)))


def cited(file, sentence, local):
    """What a sentence names of ours: a result, or a definition that it unfolds; no ``local`` name, of a hypothesis."""
    for unfolds, name in re.findall(
        r"(/@?)?(?<![\w.'])(\w[\w']*)", sentence.words
    ):
        where, what = stated().get(name, ("", sentence))
        above = where == file and what.last < sentence.first
        known = above or where in brought(file)
        if known and (unfolds or what.states[0] in ("Lemma", "Theorem")):
            yield from {name} - local


def said(name):
    """What is told about a word of a proof: what it does; or what it says, in words, and how it is stated."""
    if name in tactics():
        return [tactics()[name], ""]
    file, what = stated()[name]
    return [comment_above(file, what), f"{what.words}."]


def comment_above(file, what):
    """What the comment above a statement says; empty where there is none."""
    above = (
        comment
        for _, last, comment in sources.comments(text_of(file))
        if last == what.first - 1
    )
    return " ".join(next(above, "").strip("(* )").split())


def names_of(goal):
    """The names of the hypotheses of a goal, which ends with what is to be shown."""
    return {
        name
        for hypothesis in goal[:-1]
        for name in re.split(r", | :", hypothesis.split(" : ")[0])
    }


def data(file, recorded):
    """The script of a source: the steps on record, and what there is to say about the words of each."""
    told: dict[str, int] = {}
    found: dict[str, list] = {}
    number = lambda name: told.setdefault(name, len(told))
    for name, proof in steps.proofs(text_of(file)).items():
        before: set[str] = set()
        found[name] = []
        for sentence, (_, here, later) in zip(
            proof, recorded["theorems"][name], strict=True
        ):
            goals = (recorded["goals"][goal] for goal in (*here, *later))
            now = set().union(
                *(
                    names_of([recorded["texts"][i] for i in goal])
                    for goal in goals
                )
            )
            words = [
                *tactics_in(sentence),
                *cited(file, sentence, before | now),
            ]
            before = now
            found[name].append(
                [here, later, list(map(number, dict.fromkeys(words)))]
            )
    shown = {
        "texts": recorded["texts"],
        "goals": recorded["goals"],
        "said": list(map(said, told)),
        "steps": found,
    }
    return f'proofSteps("{file}", {steps.compact(shown)});\n'


# The site.


def write_scripts(app):
    """The script of every source; a record that does not speak of the sources is told of."""
    if app.builder.format != "html":
        return
    record = steps.read_record()
    if faults := steps.faults(record):
        return log.warning(
            "proofs/steps.json: %s (make proofs)", "; ".join(faults)
        )
    target = Path(app.outdir) / SCRIPTS
    target.mkdir(parents=True, exist_ok=True)
    for file, recorded in record["files"].items():
        name = Path(file).stem
        (target / f"{name}.js").write_text(data(name, recorded), "utf-8")


def load_script(app, pagename, templatename, context, doctree):
    """A page with proofs to step through loads what lets a reader do so."""
    if doctree and next(doctree.findall(StepsNode), None):
        app.add_js_file("steps.js", loading_method="defer")


def setup(app):
    app.add_node(StepsNode, html=(visit, None))
    app.add_directive("proof-steps", StepsDirective)
    app.connect("builder-inited", write_scripts)
    app.connect("html-page-context", load_script)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
