// Anatomy: what is pointed at or focused lights up in the bytes and in the rows, and is told about beside them.
portlab.kind("anatomy", 1, (() => {
  // Everything with data-i belongs to the fields whose numbers stand there.
  const light = (figure, numbers) => {
    for (const each of figure.querySelectorAll("[data-i]")) {
      each.classList.toggle("hot", each.dataset.i.split(" ").some((number) => numbers.includes(number)));
    }
    const rows = figure.querySelectorAll(".fields tbody tr");
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
  // An arrow key goes to the nearest field that way; only one field is a stop for the Tab key.
  const go = (right, down) => (figure, event) => {
    const from = event.target.closest("button.field");
    if (!from) return;
    const place = (button) => {
      const box = button.getBoundingClientRect();
      return [box.left + Math.min(box.width, 40) / 2, box.top + box.height / 2];
    };
    const [x, y] = place(from);
    let best, least = Infinity;
    for (const button of figure.querySelectorAll("button.field")) {
      const [u, v] = place(button);
      const along = (u - x) * right + (v - y) * down;
      const far = along + 3 * (Math.abs((u - x) * down) + Math.abs((v - y) * right));
      if (along > 3 && far < least) [best, least] = [button, far];
    }
    const all = [...figure.querySelectorAll("button.field")];
    if (!best && right) best = all[all.indexOf(from) + right]; // at the end of a row: on to the next
    if (best) move(from, best);
  };
  const end = (last) => (figure, event) => {
    const from = event.target.closest("button.field");
    const all = [...figure.querySelectorAll("button.field")];
    if (from) move(from, all.at(last ? -1 : 0));
  };
  const move = (from, to) => {
    from.tabIndex = -1;
    to.tabIndex = 0;
    to.focus();
  };
  return {
    over: point,
    focus: (figure, event) => {
      const button = event.target.closest("button.field");
      if (!button) return;
      for (const other of figure.querySelectorAll("button.field[tabindex='0']")) other.tabIndex = -1;
      button.tabIndex = 0;
      point(figure, event);
    },
    keys: {
      ArrowRight: go(1, 0), ArrowLeft: go(-1, 0), ArrowDown: go(0, 1), ArrowUp: go(0, -1), Home: end(false), End: end(true),
    },
  };
})());
