// Proofs to step through: what is left to show after the sentence that is chosen, or that the mouse is on.
(() => {
  const sources = {};

  const make = (tag, name, ...inside) => {
    const node = document.createElement(tag);
    if (name) node.className = name;
    node.append(...inside);
    return node;
  };

  // As Rocq prints it, line by line, so that what is broken off a line can hang from it.
  const printed = text => make("pre", "", ...text.split("\n").flatMap((line, i) => {
    const shown = make("span", "code-line", line);
    shown.style.setProperty("--indent", line.search(/\S|$/));
    return i ? ["\n", shown] : [shown];
  }));

  const listed = (title, items) => items.length ? [make("p", "what", title), make("ul", "", ...items.map(item => make("li", "", item)))] : [];

  // What a word does, in text in which code stands between grave accents; or a result, in words if there are any, and as it is stated.
  const explained = ([words, statement]) => {
    if (!statement) return make("p", "", ...words.split("`").map((part, i) => i % 2 ? make("code", "", part) : part));
    return make("div", "", ...(words ? [make("p", "", words)] : []), printed(statement));
  };

  // A goal that comes later: what it has for hypotheses that the first has not, and the reverse.
  const later = (goal, first) => {
    const more = goal.given.filter(one => !first.given.includes(one)), less = first.given.filter(one => !goal.given.includes(one));
    const item = make("div", "", printed(goal.shown));
    if (more.length) item.append("with", ...more.map(printed));
    if (less.length) item.append("without ", make("code", "", less.map(one => one.split(" :")[0]).join(", ")));
    return item;
  };

  const describe = ({texts, goals, said, steps}, name, i) => {
    const goal = number => {
      const given = goals[number].map(text => texts[text]);
      return {shown: given.pop(), given};
    };
    const [here, there, words] = steps[name][i], [first, ...rest] = here.map(goal), others = there.map(goal);
    const known = i && steps[name][i - 1][0].length ? goal(steps[name][i - 1][0][0]).given : [];
    const told = listed("In this sentence", words.map(word => explained(said[word])));
    if (!first) {
      const done = i + 1 === steps[name].length ? "Accepted." : others.length ? "This part is shown." : "Nothing is left to show.";
      return [make("p", "what", done), ...listed("Left for later", others.map(one => printed(one.shown))), ...told];
    }
    return [
      make("p", "what", "To show"), printed(first.shown),
      ...listed(i ? "Given, new here" : "Given", first.given.filter(one => !known.includes(one)).map(printed)),
      ...listed("Left for later", [...rest, ...others].map(one => later(one, first))),
      ...told,
      ...listed("Given, as before", first.given.filter(one => known.includes(one)).map(printed)),
    ];
  };

  const prepare = fold => {
    const {file, name} = fold.dataset, choices = [...fold.querySelectorAll("input")];
    const place = make("span"), goals = make("section", "goals"), [back, next] = ["Back", "Next"].map(word => make("button", "", word));
    const chosen = () => Math.max(0, choices.findIndex(choice => choice.checked));
    const show = i => {
      place.textContent = `After ${i + 1} of ${choices.length}`;
      goals.replaceChildren(...describe(sources[file], name, i));
      goals.scrollTop = 0;
    };
    const choose = (i, follow) => {
      if (!choices[i]) return;
      choices[i].checked = true;
      [back.ariaDisabled, next.ariaDisabled] = [i === 0, i + 1 === choices.length].map(String);
      if (follow) choices[i].parentElement.scrollIntoView({block: "nearest"});
      show(i);
    };
    for (const button of [back, next]) button.type = "button";
    goals.tabIndex = 0;
    goals.ariaLabel = "What is left to show";
    goals.ariaLive = "polite";
    back.addEventListener("click", () => choose(chosen() - 1, true));
    next.addEventListener("click", () => choose(chosen() + 1, true));
    const list = fold.querySelector("fieldset"), on = event => choices.indexOf(event.target.closest("label")?.firstChild);
    list.addEventListener("change", () => choose(chosen(), true));
    list.addEventListener("keydown", event => {  // or a key would lead from the last sentence to the first
      const way = {ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1}[event.key];
      if (way && !choices[chosen() + way]) event.preventDefault();
    });
    list.addEventListener("pointerover", event => { if (event.pointerType === "mouse" && on(event) >= 0) show(on(event)); });
    list.addEventListener("pointerleave", event => { if (event.pointerType === "mouse") show(chosen()); });
    fold.append(make("div", "state", make("div", "walk", back, place, next), goals));
    fold.dataset.ready = "";
    choose(0);
  };

  const asked = file => document.querySelectorAll(`details.steps[data-file="${file}"][data-asked]:not([data-ready])`);

  // What a script of data calls.
  window.proofSteps = (file, data) => {
    sources[file] = data;
    asked(file).forEach(prepare);
  };

  // A proof that is unfolded asks for its data, once: the script stands in its template.
  document.addEventListener("toggle", event => {
    const fold = event.target;
    if (!fold.matches("details.steps:not([data-asked])")) return;
    fold.dataset.asked = "";
    if (sources[fold.dataset.file]) return prepare(fold);
    const script = fold.querySelector("template").content.firstElementChild.cloneNode();
    script.addEventListener("error", () => fold.append(make("p", "", "What is left to show could not be loaded.")));
    fold.append(script);
  }, true);
})();
