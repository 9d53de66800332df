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
TACTICS, MARKS, LIBRARY = (
    sources.PROOFS / f"{name}.toml" for name in ("tactics", "marks", "library")
)

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
        f"<code>{unbroken(sentence)}</code></label>"
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


def unbroken(sentence):
    """A sentence as HTML, with no line broken behind a sign that belongs to what follows."""
    return re.sub(
        r"[-?!/@|\]}]+(?:&#?\w+;|[^\s&])",
        r'<span class="joined">\g<0></span>',
        escape(sentence),
    )


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
def table(path):
    """A table of what words or signs mean."""
    return tomllib.loads(path.read_text("utf-8"))


@cache
def texts():
    """The sources."""
    return sources.sources()


@cache
def stated():
    """What the sources state, by name: the source, and the sentence."""
    return steps.stated(texts())


@cache
def cited(file):
    """What the sentences of a source's proofs name of ours."""
    return steps.cited(f"{file}.v", texts(), stated())


def tactics_in(sentence):
    """The words of a proof's sentence that lead from one goal to the next, and their places: those that stand where a tactic can."""
    before, words = "", sentence.words
    start = len(words) + 1 - len(steps.parts(words)[-1])
    for word in re.finditer(r"[\w']+|[^\w\s]", words[start:]):
        if before in ("", *";[|", "by", "first", "last", "do"):
            yield from (
                (start + word.start(), name)
                for name in table(TACTICS).keys() & {word[0]}
            )
        before = word[0]


def marks_in(sentence):
    """The signs in a proof's sentence, and their first places."""
    for name, (pattern, _) in table(MARKS).items():
        there = (
            found.start(found.re.groups)
            for found in re.finditer(pattern, sentence.words)
        )
        if (place := next((at for at in there if at >= 0), None)) is not None:
            yield place, name


def library_in(sentence, local):
    """The results of the library in a proof's sentence, and their places; no ``local`` name, of a hypothesis."""
    for word in re.finditer(r"(?<![\w.'])\w[\w']*(?!\.)", sentence.words):
        if word[0] in table(LIBRARY).keys() - local:
            yield word.start(), word[0]


def explained(file, sentence, local, results):
    """What there is to say of a sentence, in the order of its words; ``results`` are those that it names outside their sections, as they read there."""
    found = [
        *((at, table(TACTICS)[word]) for at, word in tactics_in(sentence)),
        *((at, table(MARKS)[name][1]) for at, name in marks_in(sentence)),
        *(
            (at, f"`{name}`: {table(LIBRARY)[name]}")
            for at, name in library_in(sentence, local)
        ),
    ]
    said = [(at, (words, "")) for at, words in found]
    for at, name, outside in cited(file)[sentence]:
        if name not in local:
            said.append((at, told(name, results.get(name) if outside else "")))
    return list(dict.fromkeys(one for _, one in sorted(said)))


def told(name, result=""):
    """What is told of what is stated: what it says in words, and how it is stated, or reads as a ``result`` outside its sections."""
    file, what = stated()[name]
    gap = "\n" if "\n" in (result or "") else " "
    words = f"{what.states[0]} {name} :{gap}{result}" if result else what.words
    return sources.comment_above(texts()[file], what), f"{words}."


def names_of(goal):
    """The names of the hypotheses of a goal, which ends with what is to be shown."""
    return {
        name
        for hypothesis in goal[:-1]
        for name in re.split(r", | :", hypothesis.split(" : ")[0])
    }


def data(file, recorded):
    """The script of a source: the steps on record, and what there is to say about the words of each."""
    said: dict[tuple[str, str], int] = {}
    found: dict[str, list] = {}
    number = lambda one: said.setdefault(one, len(said))
    results = recorded.get("results", {})
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
            words = explained(file, sentence, before | now, results)
            before = now
            found[name].append([here, later, [number(one) for one in words]])
    shown = {
        "texts": recorded["texts"],
        "goals": recorded["goals"],
        "said": list(said),
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
