/** The search of the site: its index is loaded when somebody goes to the field. */
(() => {
  const field = document.querySelector(".search");
  const list = document.querySelector(".found");
  const menu = document.querySelector(".menu");
  menu.open = matchMedia("(min-width: 56.01rem)").matches; // on a phone the pages wait behind a word
  let loading = null;

  const script = (path) =>
    new Promise((resolve, reject) => {
      const element = document.createElement("script");
      element.src = path;
      element.onload = resolve;
      element.onerror = reject;
      document.head.append(element);
    });

  function load() {
    loading ??= script("minisearch.js").then(() => script("sections.js")).then(() => {
      const { sections, options } = globalThis.dynoPages;
      const index = new globalThis.MiniSearch(options);
      index.addAll(sections);
      return { sections, index };
    });
    return loading;
  }

  function shown({ page, title, path, text }) {
    const item = document.createElement("li");
    const link = document.createElement("a");
    link.href = path;
    link.textContent = page === title ? page : `${page}: ${title}`;
    const beginning = document.createElement("small");
    beginning.textContent = text.length > 110 ? `${text.slice(0, 110)}…` : text;
    link.append(beginning);
    item.append(link);
    return item;
  }

  async function search() {
    const words = field.value.trim();
    const { sections, index } = await load();
    if (words !== field.value.trim()) return; // more was typed meanwhile
    const how = { prefix: true, fuzzy: 0.15, combineWith: "AND", boost: { title: 4, page: 2 } };
    const found = words === "" ? [] : index.search(words, how).slice(0, 12);
    list.replaceChildren(...found.map(({ id }) => shown(sections[id])));
    if (words !== "" && found.length === 0) list.textContent = "Nothing found.";
    menu.hidden = words !== "";
  }

  field.addEventListener("focus", load);
  field.addEventListener("input", search);
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== field) {
      event.preventDefault();
      field.focus();
    } else if (event.key === "Escape" && document.activeElement === field) {
      field.value = "";
      search();
    }
  });
})();
