// Anatomy: what is pointed at or focused lights up in the bytes and in the rows, and is told about beside them.
portlab.kind("anatomy", 2, (() => {
  // Everything with data-i belongs to the fields whose numbers stand there.
  const light = (figure, numbers) => {
    for (const each of figure.querySelectorAll("[data-i]")) {
      each.classList.toggle("hot", each.dataset.i.split(" ").some((number) => numbers.includes(number)));
    }
    const rows = figure.querySelectorAll(".fields tbody tr");
    const bytes = figure.querySelector(".bytes"), first = bytes.querySelector(".hot");
    if (first && !bytes.matches(":hover")) bytes.scrollTop = first.offsetTop - bytes.clientHeight / 2;
    figure.querySelector(".told").replaceChildren(...numbers.flatMap((number) => tell(rows[number].cells)));
  };
  // What is told about a field is what the list says: bytes, layer, name, value, meaning.
  const tell = ([where, layer, name, value, meaning]) =>
    [["b", "", name], ["p", "what", value], ["p", "", meaning], ["p", "muted", layer, where]]
      .map(([tag, css, ...cells]) => Object.assign(document.createElement(tag), {
        className: css, textContent: cells.map((cell) => cell.textContent).join(", "),
      }));
  const point = (figure, event) => {
    const over = event.target.closest("[data-i]");
    if (over) light(figure, over.dataset.i.split(" "));
  };
  // Left and right go through the fields in order, up and down to the field there; only one is a stop for the Tab key.
  const along = (step) => (figure, event) => {
    const from = event.target.closest("button.field");
    const all = [...figure.querySelectorAll("button.field")];
    if (from) move(from, all[all.indexOf(from) + step]);
  };
  const across = (down) => (figure, event) => {
    const from = event.target.closest("button.field");
    if (!from) return event.target.scrollBy(0, 40 * down); // many bytes: a place of their own to scroll in
    const own = from.getBoundingClientRect();
    const x = own.left + Math.min(own.width, 40) / 2;
    let best, least = Infinity;
    for (const button of figure.querySelectorAll("button.field")) {
      const box = button.getBoundingClientRect();
      const far = (box.top - own.top) * down;
      const aside = Math.max(box.left - x, x - box.right, 0);
      if (far > 3 && 100 * far + aside < least) [best, least] = [button, 100 * far + aside];
    }
    move(from, best);
  };
  const end = (last) => (figure, event) => {
    const from = event.target.closest("button.field");
    if (from) move(from, [...figure.querySelectorAll("button.field")].at(last ? -1 : 0));
  };
  const move = (from, to) => {
    if (!to) return;
    from.tabIndex = -1;
    to.tabIndex = 0;
    to.focus();
  };
  return {
    wake(figure) { // where the rows are scrolled, what a port scan is about is seen first, and a row above it is cut
      const rows = figure.querySelector(".rows"), header = rows.querySelector(".l-tp,.l-icmp");
      if (header) rows.scrollTop = header.offsetTop - 60;
    },
    home: (figure) => figure.querySelector("button.field[tabindex='0']"),
    over: point,
    focus: (figure, event) => {
      const button = event.target.closest("button.field");
      if (!button) return;
      for (const other of figure.querySelectorAll("button.field[tabindex='0']")) other.tabIndex = -1;
      button.tabIndex = 0;
      point(figure, event);
    },
    keys: {
      ArrowRight: along(1), ArrowLeft: along(-1), ArrowDown: across(1), ArrowUp: across(-1), Home: end(false), End: end(true),
    },
  };
})());
