// The port reference: search, filters and sorting, and the button that has the lab probed.
(() => {
  const order = new Intl.Collator("en", { numeric: true });
  const control = (figure, name) => figure.querySelector(`[data-filter=${name}]`);
  const rows = (figure) => [...figure.querySelectorAll("tbody tr")];

  // Digits are the beginning of a port number, anything else may stand anywhere in the row.
  const says = (row, word) =>
    /^\d+$/.test(word) ? row.dataset.port.startsWith(word) : row.textContent.toLowerCase().includes(word);

  const filter = (figure) => {
    const words = control(figure, "search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const chosen = ["exam", "transport", "secrecy"].map((name) => [name, control(figure, name).value]);
    let shown = 0;
    for (const row of rows(figure)) {
      row.hidden = !words.every((word) => says(row, word))
        || !chosen.every(([name, value]) => !value || row.dataset[name].split(" ").includes(value));
      shown += !row.hidden;
    }
    figure.toggleAttribute("data-notes", control(figure, "notes").checked);
    const all = rows(figure).length;
    figure.querySelector("output").textContent = shown === all ? `${all} rows`
      : shown ? `${shown} of ${all} rows` : "No row. That says nothing about what may listen there.";
  };

  const sort = (figure) => {
    const { column, down } = figure.sorted, body = figure.querySelector("tbody");
    const focused = body.contains(document.activeElement) && figure.focused;
    const text = (row) => row.children[column].textContent;
    const sorted = rows(figure).sort((a, b) => order.compare(text(a), text(b)) * (down ? -1 : 1));
    body.append(...sorted);
    [...figure.querySelectorAll("thead th")].forEach((head, i) =>
      i === column ? head.setAttribute("aria-sort", down ? "descending" : "ascending") : head.removeAttribute("aria-sort"));
    if (focused) body.querySelector(`[data-where="${focused}"]`)?.focus(); // a row that moves loses the focus
  };

  portlab.kind("reference", 1, {
    wake(figure) {
      for (const head of figure.querySelectorAll("thead th")) {
        head.innerHTML = `<button type="button" class="sort" data-do="sort">${head.innerHTML}</button>`;
      }
      if (figure.sorted) sort(figure);
      filter(figure);
    },
    actions: {
      sort(figure, button) {
        const column = button.closest("th").cellIndex, again = column === figure.sorted?.column;
        figure.sorted = { column, down: again && !figure.sorted.down };
        sort(figure);
      },
      reset(figure) {
        for (const one of figure.querySelectorAll("[data-filter]")) one.type === "checkbox" ? one.checked = false : one.value = "";
        filter(figure);
      },
      probe(figure, button) {
        const port = +button.closest("tr").dataset.port, { protocol } = button.dataset;
        button.setAttribute("aria-disabled", "true");
        button.textContent = "Probing …";
        figure.dispatchEvent(new CustomEvent("pl-tell", { bubbles: true, detail: { port, protocol } }));
      },
    },
    input: filter,
    hear(figure) { // the lab has been probed, or could not be
      for (const button of figure.querySelectorAll("[data-do=probe][aria-disabled]")) {
        button.removeAttribute("aria-disabled");
        button.textContent = "Probe again";
      }
    },
    focus: (figure, event) => { figure.focused = event.target.dataset.where; },
  });
})();
