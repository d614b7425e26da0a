// Joins the figures of one Live object in the page to Python.  The notebook's own output holds the figure; this module is
// never displayed, it looks for the figure by its id: when it first appears, and whenever JupyterLab has drawn it anew.

// Make `old` like `fresh` without replacing what stays: focus, typed text and scroll positions survive.
function morph(old, fresh) {
  if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName || old.id !== fresh.id) {
    old.replaceWith(fresh);
    return;
  }
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && name !== "open") old.removeAttribute(name);
  }
  for (const { name, value } of [...fresh.attributes]) { // what is unfolded is the learner's to say
    if (old.getAttribute(name) !== value && name !== "open") old.setAttribute(name, value);
  }
  morphChildren(old, fresh);
}

function morphChildren(old, fresh) {
  const before = [...old.childNodes], after = [...fresh.childNodes];
  after.forEach((node, i) => (i < before.length ? morph(before[i], node) : old.append(node)));
  before.slice(after.length).forEach((node) => node.remove());
}

// A script that came in as HTML does not run by itself.
function run(script) {
  const again = document.createElement("script");
  again.textContent = script.textContent;
  script.replaceWith(again);
}

// What needs Python is hidden in the HTML, for wherever there is none.
function reveal(root, shown) {
  for (const part of root.querySelectorAll(".needs-python")) part.hidden = !shown;
}

function initialize({ model, signal }) {
  const name = model.get("name"), hosts = new Set();
  let focused = null;

  const redraw = (host) => {
    const fresh = document.createElement("div");
    fresh.innerHTML = model.get("passing") || model.get("html");
    reveal(fresh, true);
    const scripts = (root) => [...root.querySelectorAll("script:not([type])")];
    const known = new Set(scripts(host).map((script) => script.textContent));
    // What Live puts beside the figure stays at the end.
    for (const beside of host.querySelectorAll(":scope > .asleep, :scope > .trouble")) fresh.append(beside.cloneNode(true));
    morphChildren(host, fresh);
    scripts(host).filter((script) => !known.has(script.textContent)).forEach(run);
    globalThis.portlab?.wake?.(host);
  };

  const complain = (host) => {
    const place = host.querySelector(":scope > .trouble");
    if (place) place.textContent = model.get("trouble");
    if (!model.get("trouble")) return;
    for (const figure of host.querySelectorAll("figure.pl")) figure.dispatchEvent(new CustomEvent("pl-trouble", { bubbles: true }));
  };

  const tell = (event) => {
    event.stopPropagation();
    model.send(event.detail);
  };

  // Whether the learner has just run the figure's cell: then the focus is in the cell after it, or still in it.
  const wasRun = (host) => {
    const cell = host.closest(".jp-Cell"), now = document.activeElement?.closest(".jp-Cell");
    return Boolean(now) && (now === cell || now === cell.nextElementSibling);
  };

  // Then JupyterLab has scrolled on to the cell after it, and of what is taller than the screen only the end is in sight.
  const toItsBeginning = (host) => {
    const view = host.closest(".jp-WindowedPanel-outer");
    if (view && host.getBoundingClientRect().top < view.getBoundingClientRect().top) host.scrollIntoView({ behavior: "instant" });
  };

  const adopt = (host) => {
    const lost = [...hosts].find((one) => !one.isConnected);
    if (lost) { // JupyterLab drew the output anew: put the one back that the learner was using
      host.replaceWith(lost);
      if (lost.contains(focused)) focused.focus({ preventScroll: true });
      return;
    }
    hosts.add(host);
    host.addEventListener("pl-tell", tell);
    host.addEventListener("focusin", (event) => { focused = event.target; });
    host.addEventListener("focusout", () => queueMicrotask(() => {
      if (host.isConnected && !host.contains(document.activeElement)) focused = null;
    }));
    redraw(host);
    complain(host);
    host.dataset.alive = "1";
    if (wasRun(host)) {
      toItsBeginning(host);
      globalThis.portlab?.arrive?.(host);
    }
  };

  const look = () => {
    for (const host of document.querySelectorAll(`[data-live="${name}"]`)) if (!hosts.has(host)) adopt(host);
  };
  const watcher = new MutationObserver(look);

  const sleep = () => {
    watcher.disconnect();
    for (const host of hosts) {
      host.removeEventListener("pl-tell", tell);
      delete host.dataset.alive;
      reveal(host, false);
    }
  };

  model.on("change:html change:passing", () => hosts.forEach(redraw));
  model.on("change:trouble", () => hosts.forEach(complain));
  model.on("msg:custom", (detail) => {
    for (const host of hosts) {
      host.querySelector("figure")?.dispatchEvent(new CustomEvent("pl-hear", { bubbles: true, detail }));
    }
  });
  model.on("comm_live_update", sleep); // the kernel has ended
  signal?.addEventListener("abort", sleep);
  watcher.observe(document.body, { childList: true, subtree: true });
  look();
}

export default { initialize };
