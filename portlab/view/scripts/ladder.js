// The ladder under the learner's hand: one step at a time, or complete.  Every word it says is the table's own.
(() => {
  const isScanners = (figure) => figure.dataset.view === "scanner";
  const at = (figure) => Number(figure.dataset.step ?? 0); // 0: everything is shown
  const rows = (figure) => [...figure.querySelectorAll(isScanners(figure) ? "tr[data-i]:not(.truth)" : "tr[data-i]")];
  const button = (figure, name) => figure.querySelector(`[data-do="${name}"]`);

  // What a table cell says in this view: textContent would hold the other view's words, too.
  function said(figure, cell) {
    const copy = cell.cloneNode(true);
    for (const other of copy.querySelectorAll(isScanners(figure) ? ".truth" : ".seen")) other.remove();
    return copy.textContent.trim();
  }

  function sentence(figure, row, k, count) {
    const cells = [...row.cells].map((cell) => said(figure, cell));
    return [`Step ${k} of ${count}`, row.dataset.say || cells[1], cells.at(-1)].join(". ");
  }

  function step(figure, k) {
    const shown = rows(figure), now = shown[k - 1];
    const come = new Set((now ? shown.slice(0, k) : shown).map((row) => row.dataset.i));
    figure.dataset.step = now ? k : 0;
    figure.toggleAttribute("data-stepping", Boolean(now)); // what the style looks at: it changes only at both ends
    for (const part of figure.querySelectorAll("[data-i]")) {
      part.classList.toggle("come", come.has(part.dataset.i));
      part.classList.toggle("now", part.dataset.i === now?.dataset.i);
    }
    for (const row of shown) { // the table is one stop of the Tab key
      const stop = row === (now ?? shown[0]) ? 0 : -1;
      if (row.tabIndex !== stop || !row.hasAttribute("tabindex")) row.tabIndex = stop;
    }
    button(figure, "back").setAttribute("aria-disabled", k < 2);
    button(figure, "next").setAttribute("aria-disabled", k === shown.length);
    button(figure, "next").querySelector("span").textContent = now ? "Next" : "Step through";
    const say = figure.querySelector(".say");
    say.textContent = now ? sentence(figure, now, k, shown.length) : say.dataset.rest;
  }

  const next = (figure) => step(figure, Math.min(at(figure) + 1, rows(figure).length));
  const back = (figure) => at(figure) && step(figure, Math.max(at(figure) - 1, 1));

  // The rows that only the lab knows come and go with the view, so the others are counted anew.
  function view(figure, control) {
    const now = rows(figure)[at(figure) - 1]?.dataset.i;
    figure.dataset.view = isScanners(figure) ? "lab" : "scanner";
    control.setAttribute("aria-pressed", isScanners(figure));
    const shown = rows(figure);
    shown.forEach((row, place) => { if (!row.dataset.say) row.cells[0].textContent = place + 1; });
    step(figure, now ? Math.max(shown.filter((row) => +row.dataset.i <= +now).length, 1) : 0);
  }

  // An arrow and its row light up together.
  function light(figure, event) {
    const part = event.target.closest("[data-i]");
    for (const each of figure.querySelectorAll("[data-i]")) each.classList.toggle("hot", each.dataset.i === part?.dataset.i);
  }

  // Up and down go from row to row, where a row has the focus.
  function move(figure, event, by) {
    if (!event.target.matches("tr[data-i]")) return false;
    const open = rows(figure).filter((row) => row.classList.contains("come"));
    open[open.indexOf(event.target) + by]?.focus();
  }

  portlab.kind("ladder", 2, {
    wake(figure) {
      step(figure, 0);
    },
    actions: { next, back, all: (figure) => step(figure, 0), view },
    keys: {
      ArrowRight: next,
      ArrowLeft: back,
      Home: (figure) => step(figure, 1),
      End: (figure) => step(figure, rows(figure).length),
      ArrowDown: (figure, event) => move(figure, event, 1),
      ArrowUp: (figure, event) => move(figure, event, -1),
    },
    over: light,
    focus: light,
  });
})();
