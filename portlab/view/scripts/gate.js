// A gate: its button unlocks when every group has a choice; committing tells Python, which draws the gate anew.
(() => {
  const PATIENCE_MS = 4000;
  const button = (figure) => figure.querySelector("[data-do=commit]");
  const hint = (figure, words) => { figure.querySelector(".hint").textContent = words; };
  const picked = (figure) => Object.fromEntries(
    [...figure.querySelectorAll("input:checked")].map((input) => [input.dataset.group, input.value]));
  const complete = (figure) => Object.keys(picked(figure)).length === figure.querySelectorAll("fieldset").length;

  const ready = (figure) => {
    if (figure.dataset.locked) return;
    button(figure).setAttribute("aria-disabled", String(!complete(figure)));
    if (complete(figure)) hint(figure, "");
  };

  const commit = (figure) => {
    const detail = { do: "commit", picked: picked(figure) };
    button(figure).setAttribute("aria-disabled", "true");
    hint(figure, "Locked in. Waiting for the packets …");
    figure.dispatchEvent(new CustomEvent("pl-tell", { bubbles: true, detail }));
    setTimeout(() => {
      if (figure.dataset.locked) return;
      hint(figure, "Still waiting for Python: it is busy, or its kernel was restarted. Then run this cell again.");
      button(figure).setAttribute("aria-disabled", "false");
    }, PATIENCE_MS);
  };

  // What is offered with the feedback: Python draws what comes of it.
  const tell = (figure, { dataset }) => {
    const detail = { do: dataset.tell, thought: figure.querySelector(".thought")?.value ?? "" };
    figure.dispatchEvent(new CustomEvent("pl-tell", { bubbles: true, detail }));
  };

  portlab.kind("gate", 1, { wake: ready, input: ready, actions: { commit, tell } });
})();
