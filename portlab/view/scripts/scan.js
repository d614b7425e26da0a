// Scan panel: tell Python what is typed and pressed; show the line of Python that belongs to it; copy that line.
(() => {
  const tell = (figure, what) => {
    const typed = Object.fromEntries([...figure.querySelectorAll("[name]")].map((field) => [field.name, field.value]));
    figure.dispatchEvent(new CustomEvent("pl-tell", { bubbles: true, detail: { do: what, ...typed } }));
  };

  const copy = async (figure) => {
    const code = figure.querySelector(".python code"), said = figure.querySelector(".python [role=status]");
    try {
      await navigator.clipboard.writeText(code.textContent);
      said.textContent = "Copied.";
    } catch { // not allowed here: mark it, so that the learner's own keys copy it
      getSelection().selectAllChildren(code);
      said.textContent = "Marked: press Ctrl+C.";
    }
  };

  portlab.kind("scan", 2, {
    enter: (figure) => tell(figure, "start"), // as in every form
    input: (figure) => tell(figure, "typed"),
    hear: (figure, { line }) => {
      figure.querySelector(".python code").textContent = line;
      figure.querySelector(".python [role=status]").textContent = "";
    },
    actions: { start: (figure) => tell(figure, "start"), stop: (figure) => tell(figure, "stop"), copy },
  });
})();
