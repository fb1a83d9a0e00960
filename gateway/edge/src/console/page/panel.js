"use strict";
// The panel's page: draws what the gateway says, and sends what is scanned or typed. It keeps nothing.

const $ = (id) => document.getElementById(id);
const TEXTS = JSON.parse(document.body.dataset.texts);
const BENCH = document.body.dataset.bench;
const STATION = document.body.dataset.station;
const ICONS = {
  chevron: "M14 8l14 12-14 12", hourglass: "M10 6h20M10 34h20M11 6c0 10 18 18 18 28M29 6c0 10-18 18-18 28",
  tick: "M6 21l10 10L35 9", cross: "M9 9l22 22M31 9L9 31", equals: "M8 15h24M8 26h24",
  question: "M13 14c0-9 15-9 15 0 0 6-7.5 6-7.5 12M20.5 33v.2", triangle: "M20 5L37 34H3zM20 16v8M20 29v.2",
};
// Two rising notes for yes, three low ones for no, one for already, a question, an alarm: told apart without looking.
const SOUNDS = {
  yes: [[660, .09], [880, .14]], no: [[220, .14], [0, .05], [220, .14], [0, .05], [220, .2]],
  already: [[520, .2]], ask: [[520, .1], [620, .1], [520, .1]],
  alarm: [[900, .15], [450, .15], [900, .15], [450, .15]],
};
let lang = document.documentElement.lang;
let shown = -1;
let sounded = null;
let sound = true;
let audio = null;
const say = (key) => TEXTS[lang]?.[key] ?? key;

function play(tone) {
  const notes = SOUNDS[tone];
  if (!sound || !notes) return;
  try {
    audio ??= new AudioContext();
    let at = audio.currentTime;
    for (const [pitch, length] of notes) {
      if (pitch) {
        const note = audio.createOscillator(), loud = audio.createGain();
        note.frequency.value = pitch;
        note.type = tone === "no" ? "square" : "sine";
        loud.gain.value = .15;
        note.connect(loud).connect(audio.destination);
        note.start(at);
        note.stop(at + length);
      }
      at += length;
    }
  } catch { sound = false; }
}

function labels() {
  document.documentElement.lang = lang;
  $("code").placeholder = say("ui-enter-code");
  $("code").setAttribute("aria-label", say("ui-enter-code"));
  $("send").textContent = say("ui-send");
  $("sound").textContent = say("ui-sound");
  $("language").textContent = say("ui-language");
  $("choices").setAttribute("aria-label", say("ui-choices"));
  $("document-label").firstElementChild.textContent = say("ui-document");
  for (const option of $("document").options) option.textContent = say("ui-document-" + option.value);
  $("confirm-question").textContent = say("ui-confirm-letter");
  $("confirm-yes").textContent = say("ui-confirm-yes");
  $("confirm-no").textContent = say("ui-confirm-no");
  $("lost").textContent = say("ui-lost");
  $("bench-open").textContent = $("bench-title").textContent = say("ui-bench");
  $("bench-about").textContent = say("ui-bench-about");
  $("sheet-title").textContent = say("ui-sheet");
  $("sheet-about").textContent = say("ui-sheet-about");
}

function draw(panel) {
  const isNew = panel.version !== shown;
  if (panel.lang !== lang) { lang = panel.lang; labels(); }
  $("site").textContent = panel.status.site;
  $("title").textContent = panel.title;
  $("main").textContent = panel.main;
  $("verdict").dataset.tone = panel.tone;
  document.documentElement.style.setProperty("--tone", panel.colour);
  $("icon").innerHTML = `<path d="${ICONS[panel.icon] ?? ""}"/>`;
  $("lines").replaceChildren(...panel.lines.map((line) => Object.assign(document.createElement("li"), { textContent: line })));
  $("progress").hidden = !panel.progress;
  if (panel.progress) {
    const { done, of } = panel.progress;
    $("progress-done").style.width = `${of ? Math.min(100, 100 * done / of) : 0}%`;
    $("progress-text").textContent = `${done} / ${of}`;
  }
  $("choices").replaceChildren(...panel.choices.map(({ code, label }) => {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: label, title: code });
    button.addEventListener("click", () => { send(code); $("code").focus(); });
    return button;
  }));
  // While a PIN is asked for, what is typed is not shown, and the choices are a keypad.
  const keypad = panel.choices.some(({ code }) => code === "CMD-PIN-OK");
  if (keypad !== ($("code").type === "password")) $("code").value = "";
  $("code").type = keypad ? "password" : "text";
  $("choices").classList.toggle("keypad", keypad);
  const words = panel.status_words;
  $("person").textContent = words.person;
  $("unsynced").textContent = words.unsynced;
  $("clock").textContent = `${words.clock} · ${panel.status.time.slice(0, 16).replace("T", " ")}`;
  $("link").textContent = words.link;
  $("missing").textContent = [words.disk, ...words.missing, words.lid].filter(Boolean).join(" · ");
  $("records").textContent = panel.records ? `${panel.records[0]}–${panel.records[1]}` : "";
  if (isNew) {
    // What changes by itself, the hub's word for instance, is no answer and makes no sound.
    if (sounded !== null && panel.shown !== sounded) play(panel.tone);
    sounded = panel.shown;
    $("verdict").classList.remove("fresh");
    requestAnimationFrame(() => $("verdict").classList.add("fresh"));
  }
  shown = panel.version;
}

async function send(text, document_type) {
  const body = { text };
  if (document_type) body.document = document_type;
  const key = "p" + Array.from(crypto.getRandomValues(new Uint32Array(4)), (word) => word.toString(36)).join("");
  // The same key again is the same request: a retry can never do a thing twice.
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      const answer = await fetch("/scan", {
        method: "POST", headers: { "Content-Type": "application/json", "Idempotency-Key": key }, body: JSON.stringify(body),
      });
      if (answer.ok) { $("lost").hidden = true; return; }
      if (answer.status !== 503) {
        $("lost").textContent = (await answer.json()).error;
        $("lost").hidden = false;
        return;
      }
    } catch { /* tried again with the same key */ }
    await new Promise((resolve) => setTimeout(resolve, 400 * (attempt + 1)));
  }
  $("lost").textContent = say("ui-lost");
  $("lost").hidden = false;
}

// One or two letters, six digits, a check digit: the letter is shown large, for D and O look alike and both may be right.
const HKID = /^\s*([A-Za-zＡ-Ｚａ-ｚ]{1,2})\s*[0-9０-９]{6}\s*[(（]?\s*[0-9Aa０-９Ａａ]\s*[)）]?\s*$/;

$("scan").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = $("code").value;
  $("code").value = "";
  if (!text.trim()) return;
  const kind = $("document-label").hidden ? null : $("document").value;
  const number = HKID.exec(text);
  if ($("code").type === "password") {
    send(text);
    return;
  }
  if (STATION !== "post_office" || (kind && kind !== "hk") || !number) {
    send(text, kind && kind !== "hk" ? kind : null);
    return;
  }
  $("confirm-letter").textContent = number[1].normalize("NFKC").toUpperCase();
  $("confirm").returnValue = "";
  $("confirm").showModal();
  $("confirm-yes").focus();
  $("confirm").addEventListener("close", () => {
    if ($("confirm").returnValue === "yes") send(text);
    $("code").focus();
  }, { once: true });
});

$("sound").addEventListener("click", () => { sound = !sound; $("sound").setAttribute("aria-pressed", String(sound)); });
$("language").addEventListener("click", () => {
  const next = lang === "en" ? "zh-HK" : "en";
  fetch("/language", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ lang: next }) });
});

// A scanner that types goes wherever the focus is: keep it on the field.
document.addEventListener("keydown", (event) => {
  const typing = ["INPUT", "SELECT", "BUTTON"].includes(document.activeElement?.tagName);
  if (!typing && !$("confirm").open && event.key.length === 1) $("code").focus();
});

function follow() {
  const events = new EventSource("/events");
  events.addEventListener("panel", (event) => { $("lost").hidden = true; draw(JSON.parse(event.data)); });
  globalThis.followBoard?.(events);
  events.onerror = () => { $("lost").textContent = say("ui-lost"); $("lost").hidden = false; };
}

// The bench: virtual devices of the demonstration, in the process that plays it.
async function bench() {
  const ask = async (path, body) => {
    const answer = await fetch(BENCH + path, body && {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
    });
    return answer.json();
  };
  const devices = async () => {
    const { groups } = await ask("/devices");
    $("bench-devices").replaceChildren(...groups.flatMap(({ title, rows }) => [
      Object.assign(document.createElement("h3"), { textContent: title }),
      ...rows.map(({ label, actions }) => {
        const row = Object.assign(document.createElement("div"), { className: "row" });
        row.append(Object.assign(document.createElement("span"), { textContent: label }));
        for (const action of actions) {
          const button = Object.assign(document.createElement("button"), { type: "button", textContent: action.label });
          button.addEventListener("click", async () => { await ask("/do", action.do); await devices(); });
          row.append(button);
        }
        return row;
      }),
    ]));
  };
  const sheet = async () => {
    const { groups } = await ask("/sheet");
    $("sheet").replaceChildren(...groups.flatMap(({ title, codes }) => [
      Object.assign(document.createElement("h3"), { textContent: title }),
      ...codes.map(({ text, label, bars }) => {
        const button = Object.assign(document.createElement("button"), { type: "button" });
        button.innerHTML = `<svg viewBox="0 0 ${bars.reduce((sum, bar) => sum + bar, 0)} 10" preserveAspectRatio="none"></svg>`;
        let at = 0;
        bars.forEach((bar, index) => {
          if (index % 2 === 0) {
            const rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
            for (const [name, value] of [["x", at], ["y", 0], ["width", bar], ["height", 10]]) rect.setAttribute(name, value);
            button.firstElementChild.append(rect);
          }
          at += bar;
        });
        button.append(Object.assign(document.createElement("code"), { textContent: text }), ` ${label}`);
        button.addEventListener("click", () => ask("/do", { scan: text }));
        return button;
      }),
    ]));
  };
  $("bench-open").hidden = false;
  const turn = async () => {
    $("bench").hidden = !$("bench").hidden;
    if (!$("bench").hidden) { await devices(); await sheet(); }
  };
  $("bench-open").addEventListener("click", turn);
  if (location.hash === "#bench") turn();
}

labels();
$("document-label").hidden = STATION !== "post_office";
follow();
if (BENCH) bench();
