// What every picture's script stands on.  Python drew the picture; a kind of picture ("ladder", "anatomy", ...) says what
// clicks and keys do to it.  One page may hold pictures of several versions of PortLab: the newest code serves them all.
(() => {
  const page = globalThis.portlab ??= { kinds: {}, heard: false };
  const CONTROL = "a,button,input,label,select,textarea,summary,[tabindex]";
  const folded = page.folded ??= new WeakSet();

  // The words of a picture stand open wherever it is read.  In JupyterLab a picture and its words are taller than a
  // screen: there they begin folded.
  const fold = (figure) => {
    if (!figure.closest(".jp-NotebookPanel")) return;
    for (const words of figure.querySelectorAll("details[open]")) {
      if (!folded.has(words)) words.open = false;
      folded.add(words);
    }
  };

  page.wake = (root = document) => {
    for (const figure of root.querySelectorAll("figure.pl[data-pl]:not([data-awake])")) {
      const kind = page.kinds[figure.dataset.pl];
      if (!kind) continue;
      figure.dataset.awake = "1"; // controls that need a script are hidden until then
      if (kind.keys) figure.tabIndex = -1; // a click gives it the focus, and with it the keys
      for (const part of figure.querySelectorAll("[data-lm-suppress-shortcuts]")) {
        part.removeAttribute("data-lm-suppress-shortcuts"); // this script knows better which keys are whose
      }
      fold(figure);
      kind.wake?.(figure);
    }
  };

  // The cell of these figures was run just now, by hand: one of them may take the focus.
  page.arrive = (root) => {
    for (const figure of root.querySelectorAll("figure.pl[data-awake]")) page.kinds[figure.dataset.pl].arrive?.(figure);
  };

  // handlers: wake(figure), arrive(figure), home(figure): what has the focus when the figure has, actions {name:
  // (figure, control)}, keys {key: (figure, event)}, enter(figure): Enter in one of its fields, over, move, focus, input, submit(figure, event),
  // hear(figure, detail), trouble(figure); all may be left out.
  page.kind = (name, version, handlers) => {
    if (version > (page.kinds[name]?.version ?? 0)) page.kinds[name] = { version, ...handlers };
    page.wake();
  };

  if (page.heard) return;
  page.heard = true;
  const hear = (type, answer) => document.addEventListener(type, (event) => {
    const figure = event.target.closest?.("figure.pl[data-awake]");
    if (figure) answer(page.kinds[figure.dataset.pl], figure, event);
  });
  hear("click", (kind, figure, event) => {
    const control = event.target.closest("[data-do]");
    if (control && control.getAttribute("aria-disabled") !== "true") kind.actions?.[control.dataset.do]?.(figure, control);
    else if (kind.keys && event.target.closest(CONTROL) === figure) (kind.home?.(figure) ?? figure).focus({ preventScroll: true });
  });

  const leave = (figure) => {
    document.activeElement.blur();
    figure.closest(".jp-Cell")?.focus({ preventScroll: true });
  };

  // What fills the place of an answered question may be taller than the screen.  Until its end has been in sight, Shift+Enter
  // shows more of it instead of running the next cell: page.reading is that place.
  const readOn = (event) => {
    const place = page.reading, view = place?.closest(".jp-WindowedPanel-outer");
    if (!view || event.key !== "Enter" || !event.shiftKey) return false;
    const own = place.closest(".jp-Cell"), here = document.activeElement.closest(".jp-Cell");
    const { top, bottom } = view.getBoundingClientRect();
    const more = place.getBoundingClientRect().bottom - bottom, was = view.scrollTop;
    if (more > 0 && (here === own || here === own.nextElementSibling)) {
      // What the lower edge cuts comes to the upper one; what is higher than the screen is turned like a page.
      const cut = [...place.querySelectorAll("figure.pl,section.pl")].find((part) => part.getBoundingClientRect().bottom > bottom);
      const to = (cut?.getBoundingClientRect().top ?? bottom) - top - 8;
      view.scrollBy({ top: Math.min(more, to > 40 ? to : 0.8 * view.clientHeight), behavior: "instant" });
    }
    if (Math.abs(view.scrollTop - was) < 2) { // its end is in sight
      page.reading = null;
      return false;
    }
    event.preventDefault();
    event.stopPropagation();
    return true;
  };

  // The figure with the focus owns its keys: they are taken here before JupyterLab sees them, to which "dd" is to delete a
  // cell.  What runs a cell, and whatever is pressed with Ctrl, Alt or Meta, goes on; Escape gives the keys back.
  addEventListener("keydown", (event) => {
    if (readOn(event)) return;
    const figure = event.target.closest?.("figure.pl[data-awake]");
    const theirs = event.ctrlKey || event.metaKey || event.altKey || (event.shiftKey && event.key === "Enter");
    if (!figure || theirs) return;
    event.stopPropagation();
    if (event.key === "Escape") return leave(figure);
    const typing = /INPUT|SELECT|TEXTAREA|SUMMARY/.test(event.target.tagName);
    const pressing = event.key === " " && event.target.tagName === "BUTTON";
    const kind = page.kinds[figure.dataset.pl], act = kind.keys?.[event.key];
    if (event.key === "Enter" && event.target.tagName === "INPUT") kind.enter?.(figure);
    if (!act || typing || pressing) return;
    if (act(figure, event) !== false) event.preventDefault(); // false: the key is left to the page
  }, true);
  hear("pointerover", (kind, figure, event) => kind.over?.(figure, event));
  hear("pointermove", (kind, figure, event) => kind.move?.(figure, event));
  hear("focusin", (kind, figure, event) => kind.focus?.(figure, event));
  hear("input", (kind, figure, event) => kind.input?.(figure, event));
  hear("submit", (kind, figure, event) => kind.submit?.(figure, event));
  hear("pl-hear", (kind, figure, event) => kind.hear?.(figure, event.detail)); // what Python tells a live picture
  hear("pl-trouble", (kind, figure) => kind.trouble?.(figure)); // Python could not do what it was told; it says why below
})();
