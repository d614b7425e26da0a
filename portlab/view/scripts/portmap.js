// Port map: say what one port came out as, show where it is, and enlarge the strip it lies in.
(() => {
  const STRIP = 1024;
  const all = (figure, query) => [...figure.querySelectorAll(query)];

  const wake = (figure) => {
    const runs = figure.dataset.runs.split(",").map(Number), cells = new Uint8Array(65536);
    for (let i = 0, port = 0; i < runs.length; port += runs[i], i += 2) cells.fill(runs[i + 1], port, port + runs[i]);
    figure.ports = { cells, ...JSON.parse(figure.dataset.words) };
    figure.querySelector(".look").removeAttribute("hidden");
  };

  const look = (figure, port) => {
    const { cells, kinds, services } = figure.ports;
    if (!Number.isInteger(port) || port < 0 || port >= cells.length) {
      figure.querySelector("output").textContent = "Ports go from 0 to 65535.";
      return;
    }
    const usual = services[port] ? `. Usually ${services[port]}.` : ".";
    figure.querySelector("output").textContent = `Port ${port}: ${kinds[cells[port]][1]}${usual}`;
    for (const map of all(figure, ".portmap")) {
      const { first, columns, rows, height } = map.dataset, at = port - first, cursor = map.querySelector(".cursor");
      cursor.setAttribute("x", `${(100 * (at % columns)) / columns}%`);
      cursor.setAttribute("y", Math.floor(at / columns) * height);
      cursor.style.visibility = at >= 0 && at < columns * rows ? "visible" : "hidden";
    }
  };

  // Only where there is an overview: the strip below it moves to the 1,024 ports around this one.
  const zoom = (figure, port) => {
    const whole = figure.querySelector(".portmap[data-do=zoom]"), strip = all(figure, ".portmap").at(-1);
    const first = port - (port % STRIP), { cells, kinds } = figure.ports, { columns, rows, height } = strip.dataset;
    if (!whole || first === +strip.dataset.first) return;
    strip.dataset.home ??= strip.dataset.first;
    strip.dataset.first = first;
    const lines = {};
    for (let port = first, run; port < first + STRIP; port += run) {
      const at = port - first, room = columns - (at % columns), kind = cells[port];
      for (run = 1; run < room && cells[port + run] === kind; ) run++;
      lines[kinds[kind][0]] = `${lines[kinds[kind][0]] ?? ""}M${at % columns} ${Math.floor(at / columns)}h${run}`;
    }
    for (const path of all(strip, ".cells path")) path.setAttribute("d", lines[path.dataset.state] ?? "");
    all(strip, ".axis text").forEach((label, i) => { label.textContent = first + (i * columns * rows) / strip.querySelectorAll(".axis text").length; });
    strip.querySelector(".margin").style.visibility = strip.dataset.home === strip.dataset.first ? "" : "hidden";
    whole.querySelector(".strip").setAttribute("y", (first / whole.dataset.columns) * whole.dataset.height - 3);
    const open = [...cells.subarray(first, first + STRIP)].flatMap((kind, i) => (kinds[kind][0] === "open" ? [first + i] : []));
    const told = open.length ? `Open here: ${open.slice(0, 12).join(", ")}${open.length > 12 ? " and more" : ""}.` : "Nothing is open here.";
    figure.querySelector(".caption").textContent = `Ports ${first} to ${first + STRIP - 1}, ${columns} a row. ${told}`;
  };

  const point = (figure, event) => {
    const map = event.target.closest(".portmap");
    if (!map) return;
    const box = map.querySelector(".edge").getBoundingClientRect(), { first, columns, rows } = map.dataset;
    const x = (event.clientX - box.left) / box.width, y = (event.clientY - box.top) / box.height;
    if (x < 0 || x >= 1 || y < 0 || y >= 1) return;
    figure.pointed = +first + Math.floor(y * rows) * columns + Math.floor(x * columns);
    look(figure, figure.pointed);
  };

  portlab.kind("portmap", 1, {
    wake,
    over: point,
    move: point,
    input: (figure, event) => {
      const port = event.target.valueAsNumber;
      look(figure, port);
      if (port >= 0 && port < 65536) zoom(figure, port), look(figure, port);
    },
    actions: { zoom: (figure) => figure.pointed !== undefined && (zoom(figure, figure.pointed), look(figure, figure.pointed)) },
  });
})();
