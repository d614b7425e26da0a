// Flash cards.  The list of all cards is the deck; what is asked next is a queue of its items.
(() => {
  const one = (figure, what) => figure.querySelector(what);
  const tell = (figure, detail) => figure.dispatchEvent(new CustomEvent("pl-tell", { bubbles: true, detail }));

  const deal = (figure) => {
    const way = one(figure, "fieldset input:checked")?.value;
    figure.queue = [...figure.querySelectorAll(".deck > li")].filter((card) => !way || card.dataset.way === way);
    figure.total = figure.queue.length;
    show(figure, "question");
  };

  const show = (figure, side) => {
    const card = figure.queue[0], turned = side === "answer";
    figure.dataset.side = side;
    one(figure, ".drill").dataset.way = card?.dataset.way ?? "";
    const question = card ? one(card, "summary").innerHTML : "No card is left.";
    const place = one(figure, ".stage .question");
    if (place.innerHTML !== question) place.innerHTML = question; // announced once
    one(figure, ".stage .answer").innerHTML = card && turned ? one(card, ".answer").innerHTML : "";
    one(figure, ".position").textContent = `${figure.total - figure.queue.length} of ${figure.total} known`;
    for (const name of ["again", "knew", "turn", "back", "skip"]) {
      const idle = !card || (!turned && (name === "again" || name === "knew"));
      one(figure, `[data-do=${name}]`).setAttribute("aria-disabled", String(idle));
    }
  };

  // The card goes back to that place of the queue, or out of it.
  const put = (figure, place) => {
    const card = figure.queue.shift();
    if (place !== undefined) figure.queue.splice(place, 0, card);
    show(figure, "question");
  };
  const answer = (figure, knew) => {
    if (!figure.queue.length || figure.dataset.side !== "answer") return;
    const live = figure.closest(".pl-live");
    if (live && !live.dataset.alive) { // the notebook was opened again, or the kernel has ended
      one(figure, ".kept").textContent = "Not kept: Python does not hear this. Run the cell, then answer again.";
      return;
    }
    tell(figure, { card: figure.queue[0].dataset.key, knew });
    put(figure, knew ? undefined : 3);
  };

  const turn = (figure) => figure.queue.length && show(figure, figure.dataset.side === "answer" ? "question" : "answer");
  const skip = (figure) => figure.queue.length && put(figure, figure.queue.length);
  const back = (figure) => {
    if (!figure.queue.length) return;
    figure.queue.unshift(figure.queue.pop());
    show(figure, "question");
  };
  const again = (figure) => answer(figure, false), knew = (figure) => answer(figure, true);

  portlab.kind("cards", 2, {
    home: (figure) => one(figure, ".stage"),
    arrive: (figure) => one(figure, ".stage").focus(),
    wake(figure) {
      one(figure, ".all").open = false;
      deal(figure);
      one(figure, ".stage .question").setAttribute("aria-live", "polite"); // from the second card on
    },
    actions: { turn, again, knew, back, skip },
    keys: { " ": turn, 1: again, 2: knew, ArrowLeft: back, ArrowRight: skip },
    input: (figure, event) => { if (event.target.closest("fieldset")) deal(figure); },
    hear: (figure, detail) => { one(figure, ".kept").textContent = detail.kept; },
  });
})();
