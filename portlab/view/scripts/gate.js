// A gate: its button unlocks when everything has an answer; committing tells Python, which draws the gate anew.
(() => {
  const PATIENCE_MS = 4000;
  const pending = new Map(); // figures that wait for Python, and what is done when it has drawn them anew
  const button = (figure) => figure.querySelector("[data-do=commit]");
  const hint = (figure, words) => { figure.querySelector(".bar .hint").textContent = words; };
  const fields = (figure) => [...figure.querySelectorAll("input[data-group]")];

  const picked = (figure) => {
    const found = {};
    for (const { type, checked, value, dataset: { group } } of fields(figure)) {
      if (type === "text" ? value.trim() : type === "radio" && checked) found[group] = value;
      if (type === "checkbox" && checked) (found[group] ??= []).push(value);
    }
    return found;
  };
  const complete = (figure) => Object.keys(picked(figure)).length === figure.querySelectorAll("fieldset").length;

  const ready = (figure) => {
    if (figure.dataset.locked) return;
    button(figure).setAttribute("aria-disabled", String(!complete(figure)));
    if (complete(figure)) hint(figure, "");
  };

  const tell = (figure, detail, then) => {
    pending.set(figure, then);
    figure.dispatchEvent(new CustomEvent("pl-tell", { bubbles: true, detail }));
  };

  const commit = (figure) => {
    button(figure).setAttribute("aria-disabled", "true");
    hint(figure, "One moment …");
    tell(figure, { do: "commit", picked: picked(figure) }, goOn);
    setTimeout(() => {
      if (figure.dataset.locked || !pending.has(figure)) return;
      hint(figure, "Still waiting for Python: it is busy, or its kernel was restarted. Then run this cell again.");
      button(figure).setAttribute("aria-disabled", "false");
    }, PATIENCE_MS);
  };

  // Where Shift+Enter goes on from: the next cell.  The page shows what is said here, and what can be done about it.
  const goOn = (figure) => {
    if (figure.dataset.locked) {
      const own = figure.closest(".jp-Cell"), next = own?.nextElementSibling;
      (next?.matches(".jp-Cell") ? next : own)?.focus({ preventScroll: true });
      portlab.reading = figure.closest(".pl-live");
    }
    for (const part of [".bar", ".feedback"]) figure.querySelector(part).scrollIntoView({ block: "nearest" });
  };
  const showOffer = (figure) => {
    goOn(figure);
    figure.closest(".pl-live")?.querySelector("figure.pl-note")?.scrollIntoView({ block: "nearest" });
  };
  const reopen = (figure) => (figure.querySelector("input:checked") ?? fields(figure)[0]).focus();

  portlab.kind("gate", 3, {
    wake(figure) {
      ready(figure);
      if (figure.hasAttribute("aria-busy")) return;
      pending.get(figure)?.(figure);
      pending.delete(figure);
    },
    input: ready,
    trouble(figure) {
      pending.delete(figure);
      ready(figure);
    },
    submit: (figure) => document.activeElement.type === "text" && complete(figure) && commit(figure), // Enter in a field
    actions: {
      commit,
      again: (figure) => tell(figure, { do: "again" }, reopen),
      offer: (figure) => tell(figure, { do: "offer" }, showOffer),
      no: (figure) => tell(figure, { do: "no", thought: figure.querySelector(".thought").value }, goOn),
    },
  });
})();
