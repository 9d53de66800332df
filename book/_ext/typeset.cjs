// Typesets formulas by MathJax, in Node. argv: the folder of MathJax, its configuration as JSON. Each line of the input is a list of
// [TeX, whether it is displayed], answered by a line: a list with the HTML of each, or {"error"}. "css" is answered by the style sheet.
const [folder, configuration] = process.argv.slice(2);
const { chtml, tex } = JSON.parse(configuration);

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
