// Makes of some pages of the site one document to print, in the place of the first's; returns the links that arrive nowhere.
//
// A page is read as it was built, before its scripts fold solutions. An id is unique behind its page's name, and what points at
// it follows; a link to what is not bound becomes text, for paper has no such place.
async (names) => {
  const site = new URL(document.documentElement.dataset.content_root, location);
  const short = (name) => name.split("/").pop();
  const id = (name, anchor) => short(name) + (anchor && `--${anchor}`);
  const several = names.length > 1;

  const moved = (target, address) => {
    const to = new URL(target, address);
    if (to.origin !== site.origin) return target;
    const name = to.pathname.slice(site.pathname.length).replace(/\.html$/, "");
    return names.includes(name) ? `#${id(name, decodeURIComponent(to.hash.slice(1)))}` : null;
  };

  const set = (node, key, value) => (value === null ? node.removeAttribute(key) : node.setAttribute(key, value));

  const part = async (name) => {
    const address = new URL(`${name}.html`, site), text = await (await fetch(address)).text();
    const article = new DOMParser().parseFromString(text, "text/html").querySelector("article"), own = new Set();
    for (const script of article.querySelectorAll("script")) script.remove();
    for (const node of article.querySelectorAll("[id]")) {
      own.add(node.id);
      node.id = id(name, node.id);
    }
    const renamed = (text) => text.replace(/#([\w-]+)/g, (all, anchor) => (own.has(anchor) ? `#${id(name, anchor)}` : all));
    for (const sheet of article.querySelectorAll("style")) sheet.textContent = renamed(sheet.textContent);
    for (const node of article.querySelectorAll("*"))
      for (const { name: key, value } of [...node.attributes])
        if (value.includes("url(#")) set(node, key, renamed(value));
        else if (key === "src") set(node, key, new URL(value, address));
        else if (key === "href" || key === "xlink:href") set(node, key, moved(value, address));
    // A word of code that has no colour of its own needs no tag: the PDF is a fifth smaller without.
    for (const word of article.querySelectorAll(".highlight :is(.n, .nn, .p, .w)")) word.replaceWith(...word.childNodes);
    article.normalize();
    // Those of the status pages hold the code of every check: open they would be a fourth of the book.
    for (const fold of article.querySelectorAll("details")) fold.open = !name.includes("/status");
    const made = document.createElement("div");
    made.id = id(name, "");
    made.append(...article.childNodes);
    return made;
  };

  const entry = (heading) => {
    const item = document.createElement("li"), link = document.createElement("a"), text = heading.cloneNode(true);
    for (const mark of text.querySelectorAll(".headerlink")) mark.remove();
    link.href = `#${heading.closest("section").id}`;
    link.append(...text.childNodes);
    item.append(link);
    return item;
  };

  const parts = await Promise.all(names.map(part));
  const article = document.querySelector("article"), front = document.querySelector("#jb-print-docs-body");
  const titles = document.title.split(" — "), title = document.createElement("h1"), contents = document.createElement("ul");
  document.title = title.textContent = several ? titles.pop() : titles[0];
  // Not by Chromium's scale for paper, which it forgets when it notes where on a sheet an id stands.
  document.documentElement.style.zoom = 0.8;
  article.replaceChildren(...parts);
  article.classList.toggle("bound", several);
  contents.append(...[...article.querySelectorAll(several ? "h1" : "h2")].map(entry));
  front.replaceChildren(title, contents);

  if (window.MathJax) await MathJax.typesetPromise();
  await Promise.all([...article.querySelectorAll("img")].map((image) => image.decode()));
  const links = [...article.querySelectorAll('[href^="#"]')].map((link) => link.getAttribute("href").slice(1));
  return links.filter((to) => !document.getElementById(to));
}
