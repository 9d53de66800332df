"""Pages when the site is built: formulas are typeset by the MathJax that the page would load, and what is of no use goes."""

import json
import os
import re
import sys
from types import SimpleNamespace

import pytest

from conftest import ROOT
from icrl.files import UsageError

sys.path.insert(0, str(ROOT / "book" / "_ext"))
import light_page
import typeset
from typeset import Formula, Typesetter, rules_for, typeset_page

MACROS = {"tex": {"macros": {"E": r"\operatorname{\mathbb{E}}"}}, "chtml": {"scale": 1.14}}
PAGE = (
    r'<p>Let <span class="math notranslate nohighlight">\(a &lt; b\)</span> be.</p>'
    r'<div class="math notranslate nohighlight" id="equation-x"><span class="eqno">(5.1)<a href="#x">#</a></span>\[\E a\]</div>'
    r'<div class="output text_latex math notranslate nohighlight">'
    "\n"
    r"\[a^2\]</div><pre>\(no formula\)</pre>"
)


@pytest.fixture
def typesetter(tmp_path):
    made = Typesetter(MACROS, tmp_path / "typeset.json", typeset.node())
    yield made
    made.close()


def refused(tex, why):
    raise AssertionError(f"{tex}: {why}")


def test_every_formula_of_a_page_is_typeset_once_with_its_macros_and_for_those_who_hear_it(typesetter):
    made = typeset_page(PAGE, typesetter, refused)
    assert made.count("<mjx-container") == made.count("<mjx-assistive-mml") == made.count("<math ") == 3
    assert made.count('display="true"') >= 2 and r"\[" not in made and r"\(no formula\)" in made
    assert '<span class="eqno">(5.1)<a href="#x">#</a></span><mjx-container' in made
    assert "<mo>&lt;</mo>" in made and "E" in made


@pytest.mark.parametrize("tex", [r"\frac{a", r"\nowhere", r"\begin{aligned} a", "a_b_c"])
def test_what_mathjax_refuses_is_told_and_stays_as_it_was(typesetter, tex):
    told = []
    page = rf'<span class="math">\({tex}\)</span><span class="math">\(a\)</span>'
    made = typeset_page(page, typesetter, lambda *refusal: told.append(refusal))
    assert [name for name, why in told if why] == [tex]
    assert rf"\({tex}\)" in made and made.count("<mjx-container") == 1


def test_what_was_typeset_is_kept_and_used_again_without_node(typesetter, tmp_path):
    first = typesetter.typeset([Formula("a", False), Formula("a", True), Formula(r"\frac{", False)])
    assert len(set(map(str, first.values()))) == 3
    typesetter.close()
    again = Typesetter(MACROS, tmp_path / "typeset.json", "no-such-node")
    assert again.typeset([Formula("a", True)]) == {Formula("a", True): first[Formula("a", True)]}
    assert again.css == typesetter.css and again.process is None
    with pytest.raises(FileNotFoundError, match="no-such-node"):
        again.typeset([Formula(r"\frac{", False)])  # which was refused, and so is not kept


def test_other_macros_let_nothing_old_be_used(typesetter, tmp_path):
    typesetter.typeset([Formula(r"\E", False)])
    typesetter.close()
    assert Typesetter({"tex": {}}, tmp_path / "typeset.json", "no-such-node").known == {}


def test_node_that_ends_is_no_answer(tmp_path):
    with pytest.raises(RuntimeError, match="Node ended, with 0"):
        Typesetter(MACROS, tmp_path / "typeset.json", "true").typeset([Formula("a", False)])


def test_the_style_sheet_has_the_rules_of_what_occurs_and_of_nothing_else(typesetter):
    [made] = typesetter.typeset([Formula("a", False)]).values()
    rules = rules_for(typesetter.css, [made])
    assert "mjx-c1D44E" in made and "mjx-c1D44E" in rules and "mjx-c1D44F" not in rules
    assert rules.count("@font-face") == typesetter.css.count("@font-face") > 10
    assert "mjx-container" in rules and len(rules) < len(typesetter.css) / 3
    assert rules_for('x {\n  content: "{";\n}\n\nmjx-c.mjx-c7B::before {\n}', ["mjx-c7B"]).count("}") == 2


def page_scripts():
    inline = {"body": "window.MathJax = {}"}
    scripts = ("mathjax/tex-chtml-full.js", {}), (None, inline), ("doctools.js", {})
    return [SimpleNamespace(filename=name, attributes=attributes) for name, attributes in scripts]


def test_a_page_that_is_typeset_loads_no_mathjax_and_one_that_is_not_does(typesetter):
    for maker, left in ((typesetter, ["doctools.js"]), (None, ["mathjax/tex-chtml-full.js", None, "doctools.js"])):
        context = {"body": PAGE, "script_files": page_scripts()}
        typeset.typeset_formulas(SimpleNamespace(typesetter=maker), "depth", "page.html", context, None)
        assert [each.filename for each in context["script_files"]] == left
        assert ("<mjx-container" in context["body"]) == (maker is not None)


def test_without_node_the_build_says_so_and_brings_mathjax(tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(typeset, "node", lambda: None)
    monkeypatch.setattr(typeset.log, "info", said.append)
    app = SimpleNamespace(builder=SimpleNamespace(format="html"), outdir=tmp_path)
    typeset.start(app)
    assert app.typesetter is None and "There is no Node" in said[0]
    assert (tmp_path / "_static" / "mathjax" / typeset.BUNDLE).exists()
    typeset.finish(app, None)
    assert not (tmp_path / "_static" / "mathjax" / "mathjax.css").exists()


def test_what_a_page_has_no_use_for_goes():
    kept = '<link rel="preload" as="script" href="scripts/bootstrap.js" /><script src="_static/doctools.js"></script>'
    gone = '<script src="../_static/vendor/fontawesome/6.5.2/js/all.min.js?digest=d"></script>'
    gone += '<link rel="preload" as="font" href="_static/vendor/fontawesome/6.5.2/webfonts/fa-brands-400.woff2" />'
    assert light_page.lightened(gone + kept) == kept


def test_what_is_badly_named_or_nested_is_mended():
    signature = '<dt class="sig py"><span>f(</span>\n<dl>\n<dd><em>x</em>, </dd>\n</dl>\n)</dt><dd><dl><dt>a</dt><dd>b</dd></dl></dd>'
    made = light_page.lightened(signature + '<div role="doc-biblioentry">')
    assert made.count("<dl>") == made.count("</dl>") == 1 and made.count('<span class="sig-line">') == 1
    assert '<div role="listitem">' in made
    mark = '<a href="x"><span class="std std-ref">✓</span></a>'
    assert light_page.lightened('Solution to<a href="#x"> Exercise 1</a>') == 'Solution to <a href="#x">Exercise 1</a>'
    assert "(how this was checked)" in light_page.lightened(mark) and "✓</span><span" in light_page.lightened(mark)
    table = (
        '<table class="table">\n<thead><tr><th class="head"><p>\\(a &lt; b\\)</p></th><th>c</th><th></th></tr></thead>'
    )
    table += "\n<tbody><tr><td>1</td><td></td><td>3</td></tr><tr><td>4</td><td>5</td><td>6</td></tr></tbody></table>"
    two = table.replace("<th>c</th>", "").replace("<td></td>", "").replace("<td>5</td>", "")
    context = {"body": table + two}
    light_page.fit_for_a_phone(None, "depth", "page.html", context, None)
    named = re.findall(r'<td><span class="column">(.*?): </span>(\d)</td>', context["body"])
    assert named == [(r"\(a &lt; b\)", "1"), (r"\(a &lt; b\)", "4"), ("c", "5")]
    assert re.findall("<td>(.?)</td>", context["body"].removesuffix(two)) == ["", "3", "6"]
    assert context["body"].endswith(two)
    context = {"body": "<ul><li>a</li>\n<ul><li>b</li>\n</ul><li>c</li></ul>"}
    light_page.nest_modules(None, "_modules/index", "page.html", context, None)
    assert context["body"] == "<ul><li>a\n<ul><li>b</li>\n</ul></li><li>c</li></ul>"


def fitted(body):
    context = {"body": body}
    light_page.fit_for_a_phone(None, "depth", "page.html", context, None)
    return context["body"]


def test_a_formula_keeps_what_touches_it():
    formula = r'<span class="math notranslate nohighlight">\(f(x, y)\)</span>'
    joined = lambda text: f'<span class="joined">{text}</span>'
    assert (
        fitted(f"<p>a ({formula}, {formula}), b</p>") == f"<p>a {joined(f'({formula},')} {joined(f'{formula}),')} b</p>"
    )
    assert fitted(f"<p>{formula} and “{formula}”.</p>") == f"<p>{formula} and {joined(f'“{formula}”.')}</p>"
    assert fitted(f"<p>{formula} is {formula}<em>, too</em></p>").count("joined") == 0


def test_lines_of_code_say_how_far_they_are_indented_and_their_text_is_what_it_was():
    code = '<span></span><span class="k">def</span> f(x):\n\n<span class="w">    </span><span class="s">"""a</span>\n<span class="s">  b"""</span>\n'
    cell = lambda code: (
        f'<div class="cell_input docutils container">\n<div class="highlight-python notranslate"><div class="highlight"><pre>{code}</pre></div>'
    )
    made = fitted(cell(code))
    assert re.findall(r"--indent: (\d+)", made) == ["0", "4", "2"]
    assert re.sub(r"<span class=\"code-line\"[^>]*>(.*?)</span>(?=\n)", r"\1", made) == cell(code)
    folded = cell(code).replace("cell_input docutils container", "sd-card-body")
    assert fitted(folded).count("code-line") == 3


def test_what_was_printed_as_prose_may_be_broken_and_what_is_in_columns_may_not():
    prose, columns, short = "x y" * 20, "x  y" * 20, "x y"
    output = lambda text: (
        f'<div class="output stream highlight-myst-ansi notranslate"><div class="highlight"><pre>{text}</pre>'
    )
    line = lambda text, indent=0: f'<span class="code-line" style="--indent: {indent}">{text}</span>'
    assert fitted(output(f"{short}\n  {prose}")) == output(f"{short}\n{line('  ' + prose, 2)}")
    assert fitted(output(f"{prose}\n{columns}")) == output(f"{prose}\n{columns}")
    assert fitted(output(f"{columns}\n\n{prose}\n")) == output(f"{columns}\n\n{line(prose)}\n")
    assert fitted(output("&lt;" * 56)).count("code-line") == 0


def test_a_mark_stays_with_the_last_word():
    formula = r'<span class="math notranslate nohighlight">\(a\)</span>'
    mark = '<a class="reference internal" href="x.html"><span class="std std-ref">✓</span></a>'
    for end in (mark, r'<span class="math notranslate nohighlight">\(\square\)</span>'):
        assert fitted(f"<p>so it is. {end}</p>") == f"<p>so it is.\xa0{end}</p>"
        for formula_end in (f"{formula}.", formula, f"({formula})"):
            assert (
                fitted(f"<p>so {formula_end} {end}</p>")
                == f'<p>so <span class="joined">{formula_end}\xa0{end}</span></p>'
            )
    assert fitted(f"<p>{mark} and</p>") == f"<p>{mark} and</p>"


def test_each_way_to_report_a_sentence_says_which():
    link = '<a href="https://example.org/issues/new?title=Sentence%20a/b">report this sentence</a>'
    assert 'aria-label="report this sentence: a/b">report' in light_page.lightened(link)


def test_the_skip_link_leads_to_the_article_where_there_is_one():
    page = '<main id="main-content" class="bd-main"><a href="x">x</a><article class="bd-article">text</article></main>'
    made = light_page.lightened(page)
    assert '<article id="main-content" class="bd-article">' in made and '<main class="bd-main">' in made
    without = page.replace("article", "section")
    assert light_page.lightened(without) == without


def test_kept_formulas_are_whole_or_the_old_ones(typesetter, tmp_path, monkeypatch):
    typesetter.typeset([Formula("a", False)])
    typesetter.close()
    before = (tmp_path / "typeset.json").read_text("utf-8")
    other = Typesetter(MACROS, tmp_path / "typeset.json", typeset.node())
    other.typeset([Formula("b", False)])
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "full")))
    with pytest.raises(UsageError, match="full"):
        other.close()
    assert (tmp_path / "typeset.json").read_text("utf-8") == before
    assert set(json.loads(before)) == {"key", "css", "formulas"}


LONG = r"\lVert v_{l+1} - v^* \rVert \le (1 - \alpha c) \lVert v_l - v^* \rVert + \alpha \lVert \varepsilon \rVert"


def broken(typesetter, tex, display=False):
    """The characters drawn in each piece of a formula, and the number of formulas that are heard."""
    [made] = typesetter.typeset([Formula(tex, display)]).values()
    drawn, heard = made.split("<mjx-assistive-mml", 1)
    assert "mjx-break" not in heard and heard.count("<math ") == 1
    pieces = re.split(r"<mjx-break[^>]*>", drawn)
    return ["".join(chr(int(code, 16)) for code in re.findall(r"mjx-c([0-9A-F]+)\b", piece)) for piece in pieces]


@pytest.mark.parametrize(
    "tex, ends",
    [
        (LONG, "≤"),
        (LONG + " = " + LONG, "≤=≤"),
        ("v_l(s) = " + " + ".join("abcdefghijk"), "=" + "+" * 10),
        ("(" + ", ".join("abcdefghijkl") + ")", "," * 11),
        ("x = (" + " + ".join("abcdefghijk") + ")", "=" + "+" * 10),
        ("abcdefghijklmnopqrst := uvw", "="),
        ("a + b = c", ""),
        (r"\left(" + " + ".join("abcdefghijk") + r"\right)", ""),
        (r"\frac{" + " + ".join("abcdefghijk") + "}{2}", ""),
        ("{" + " = ".join("abcdefghijk") + "}", ""),
    ],
)
def test_a_long_formula_in_the_text_may_be_broken_where_tex_would(typesetter, tex, ends):
    assert "".join(piece[-1] for piece in broken(typesetter, tex)[:-1]) == ends


def test_where_a_formula_may_be_broken_its_space_stays_on_the_line_that_ends(typesetter):
    [made] = typesetter.typeset([Formula(LONG, False)]).values()
    assert made.count('<mjx-break space="4"></mjx-break><mjx-mo') == 1


def test_a_displayed_formula_may_be_broken_before_wide_space(typesetter):
    assert [piece[-1] for piece in broken(typesetter, LONG + r", \qquad v = \quad 1", True)] == [",", "=", "1"]
    assert len(broken(typesetter, LONG + r",\; v = 1 \hspace{2em} x", True)) == 1
