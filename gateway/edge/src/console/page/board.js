"use strict";
// A board that is drawn: lamps, buzzer and hatch as the gateway's driver plays them, buttons and a lid that it reads.

const Board = {
  outputs: null,
  buttons: { yes: null, no: null },
  lidOpen: false,
};

async function hands(body) {
  try {
    await fetch("/board", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  } catch { /* the page says already that the gateway is not reached */ }
}

function drawBoard() {
  const { outputs, buttons, lidOpen } = Board;
  $("board").setAttribute("aria-label", say("ui-board"));
  $("board-title").textContent = say("ui-board");
  for (const lamp of document.querySelectorAll("#board .lamp")) {
    lamp.lastElementChild.textContent = say("ui-board-" + lamp.dataset.lamp);
    lamp.classList.toggle("lit", Boolean(outputs?.lamps[lamp.dataset.lamp]));
  }
  $("board-buzzer").classList.toggle("sounds", Boolean(outputs?.buzzer));
  $("board-sound").textContent = `${say("ui-board-buzzer")} · ${say("ui-board-sound-" + (outputs?.signal ?? "rest"))}`;
  $("board-hatch").textContent = say(outputs?.hatch ? "ui-board-hatch-open" : "ui-board-hatch-shut");
  $("board-hatch").classList.toggle("open", Boolean(outputs?.hatch));
  for (const name of ["yes", "no"]) {
    const button = $("board-" + name);
    button.firstElementChild.textContent = say("ui-board-" + name);
    button.lastElementChild.textContent = buttons[name]?.label ?? "—";
    button.disabled = !buttons[name];
  }
  $("board-lid").textContent = say(lidOpen ? "ui-board-close-lid" : "ui-board-open-lid");
}

// The page's own script calls this before the first event can come.
function followBoard(events) {
  events.addEventListener("board", (event) => { Board.outputs = JSON.parse(event.data); drawBoard(); });
  events.addEventListener("panel", (event) => {
    const panel = JSON.parse(event.data);
    Board.buttons = panel.buttons;
    Board.lidOpen = panel.status.lid_open;
    drawBoard();
  });
  for (const name of ["yes", "no"]) {
    $("board-" + name).addEventListener("click", () => { hands({ press: name }); $("code").focus(); });
  }
  $("board-lid").addEventListener("click", () => hands({ lid_open: !Board.lidOpen }));
  $("board-hatch").hidden = document.body.dataset.board !== "hatch";
  $("board").hidden = false;
  drawBoard();
}
