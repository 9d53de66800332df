// Typesets formulas by MathJax, in Node. argv: the folder of MathJax, its configuration as JSON. Each line of the input is a list of
// [TeX, whether it is displayed], answered by a line: a list with the HTML of each, or {"error"}. "css" is answered by the style sheet.
// What is drawn of a formula may be broken at each <mjx-break>: of a long one in the text behind an operator, as TeX would, and of a
// displayed one before wide space.
const [folder, configuration] = process.argv.slice(2);
const { chtml, tex } = JSON.parse(configuration);
const LONGEST = 20; // characters of a formula that need not be broken
const WIDE = 1; // ems of space before which a displayed one may be

require(`${folder}/node-main.js`)
  .init({
    loader: {
      load: ["input/tex-full", "output/chtml", "adaptors/liteDOM", "a11y/assistive-mml"],
      paths: { mathjax: folder },
      versionWarnings: false,
    },
    startup: { typeset: false },
    chtml: { ...chtml, adaptiveCSS: false, fontURL: "output/chtml/fonts/woff-v2" },
    tex: { ...tex, packages: { "[-]": ["noundefined", "noerrors"] }, formatError: (jax, error) => { throw error; } },
  })
  .then((MathJax) => {
    const adaptor = MathJax.startup.adaptor;
    const { BIN, REL, OPEN, CLOSE, PUNCT } = MathJax._.core.MmlTree.MmlNode.TEXCLASS;
    const ends = [
      ({ kind, next, depth }) => kind === REL && next !== REL && !depth,
      ({ kind, depth }) => kind === BIN && !depth,
      ({ kind, next }) => [REL, BIN, PUNCT].includes(kind) && next !== REL,
    ];
    const written = (parts) => parts.reduce((sum, { drawn }) => sum + adaptor.tags(drawn, "mjx-c").length, 0);
    const cut = (parts, end) =>
      parts.reduceRight((pieces, part) => (end(part) || !pieces.length ? [[part], ...pieces] : [[part, ...pieces[0]], ...pieces.slice(1)]), []);
    const pieces = (parts, [end, ...further]) =>
      end && written(parts) > LONGEST ? cut(parts, end).flatMap((piece) => pieces(piece, further)) : [parts];
    const breakText = ({ math, data }) => {
      const drawn = adaptor.childNodes(adaptor.firstChild(data));
      const kinds = math.root.childNodes[0].childNodes.map((node) => node.texClass);
      let depth = 0;
      const parts = kinds.map((kind, i) => ({ drawn: drawn[i], kind, next: kinds[i + 1], depth: (depth += (kind === OPEN) - (kind === CLOSE)) }));
      for (const [{ drawn: first }] of pieces(parts, ends).slice(1)) {
        const space = adaptor.getAttribute(first, "space"); // stays on the line that ends
        adaptor.removeAttribute(first, "space");
        adaptor.insert(adaptor.node("mjx-break", space ? { space } : {}), first);
      }
    };
    const breakDisplay = ({ data }) => {
      for (const style of adaptor.tags(data, "mjx-mstyle")) {
        const space = adaptor.firstChild(style);
        const wide = space && adaptor.kind(space) === "mjx-mspace" && parseFloat(adaptor.getStyle(space, "width")) >= WIDE;
        if (wide) adaptor.insert(adaptor.node("mjx-break"), style);
      }
    };
    MathJax.startup.output.postFilters.add((made) => (made.math.display ? breakDisplay : breakText)(made));
    const html = ([source, display]) => {
      try {
        return adaptor.outerHTML(MathJax.tex2chtml(source, { display }));
      } catch (error) {
        return { error: error.message };
      }
    };
    const answer = (asked) => (asked === "css" ? adaptor.textContent(MathJax.chtmlStylesheet()) : asked.map(html));
    require("readline")
      .createInterface({ input: process.stdin })
      .on("line", (line) => console.log(JSON.stringify(answer(JSON.parse(line)))));
  });
