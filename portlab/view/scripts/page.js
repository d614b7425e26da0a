// What every picture's script stands on.  Python drew the picture; a kind of picture ("ladder", "anatomy", ...) says what
// clicks and keys do to it.  One page may hold pictures of several versions of PortLab: the newest code serves them all.
(() => {
  const page = globalThis.portlab ??= { kinds: {}, heard: false };

  page.wake = (root = document) => {
    for (const figure of root.querySelectorAll("figure.pl[data-pl]:not([data-awake])")) {
      const kind = page.kinds[figure.dataset.pl];
      if (!kind) continue;
      figure.dataset.awake = "1"; // controls that need a script are hidden until then
      // JupyterLab takes single keys as its own ("dd" deletes a cell) unless the focused element says otherwise.
      for (const control of figure.querySelectorAll("button,input,select,summary,[tabindex]")) {
        control.dataset.lmSuppressShortcuts = "true";
      }
      kind.wake?.(figure);
    }
  };

  // handlers: wake(figure), actions {name: (figure, control)}, keys {key: (figure, event)}, over(figure, event),
  // focus(figure, event), input(figure, event), hear(figure, detail); all may be left out.
  page.kind = (name, version, handlers) => {
    if (version >= (page.kinds[name]?.version ?? 0)) page.kinds[name] = { version, ...handlers };
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
  });
  hear("keydown", (kind, figure, event) => {
    if (event.key === "Escape") return event.target.closest(".jp-Cell")?.focus();
    const typing = /INPUT|SELECT|TEXTAREA|SUMMARY/.test(event.target.tagName);
    const pressing = event.key === " " && event.target.tagName === "BUTTON";
    const act = kind.keys?.[event.key];
    if (!act || typing || pressing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (act(figure, event) !== false) event.preventDefault(); // false: the key is left to the page
  });
  hear("pointerover", (kind, figure, event) => kind.over?.(figure, event));
  hear("pointermove", (kind, figure, event) => kind.move?.(figure, event));
  hear("focusin", (kind, figure, event) => kind.focus?.(figure, event));
  hear("input", (kind, figure, event) => kind.input?.(figure, event));
  hear("pl-hear", (kind, figure, event) => kind.hear?.(figure, event.detail)); // what Python tells a live picture
})();
