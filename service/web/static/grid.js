// The grid: many thumbnails at once, some of them chosen, one decision for all of those.

import { bindKeys } from "./keys.js";
import { hideNotice, showNotice } from "./notices.js";
import { postMany } from "./station.js";
import { language, words } from "./words.js";

const queue = document.querySelector(".queue");
const bar = document.getElementById("grid-bar");
const button = document.getElementById("grid-button");
const announcement = document.getElementById("announcement");
const numbers = new Intl.NumberFormat(language);
const list = document.querySelector(".cards");
// Decisions of this page that can be taken back, the latest last: the cards they removed, and what was stored.
const decided = [];
let lastChosen = null;
let isBusy = false;

const isOn = () => queue.classList.contains("grid");
const cards = () => [...document.querySelectorAll(".card")];
const chosen = () => cards().filter((card) => card.classList.contains("chosen"));

function turn(on) {
  queue.classList.toggle("grid", on);
  bar.hidden = !on;
  button.setAttribute("aria-pressed", String(on));
  sessionStorage.setItem("kensa.grid", on ? "1" : "");
  for (const card of cards()) {
    // In the grid a card is chosen, and not followed.
    if (on) card.setAttribute("role", "checkbox");
    else card.removeAttribute("role");
  }
  if (on && !cards().includes(document.activeElement)) cards()[0]?.focus();
  show();
}

function choose(card, isWanted) {
  card.classList.toggle("chosen", isWanted);
}

/** Choose the card or leave it; with Shift, all from the last one on become like it. */
function toggle(card, withShift) {
  const all = cards();
  const [from, to] = [all.indexOf(lastChosen), all.indexOf(card)].sort((a, b) => a - b);
  const isWanted = withShift && from >= 0 ? true : !card.classList.contains("chosen");
  for (const one of withShift && from >= 0 ? all.slice(from, to + 1) : [card]) choose(one, isWanted);
  lastChosen = card;
  show();
}

function chooseAll() {
  const isWanted = chosen().length < cards().length;
  for (const card of cards()) choose(card, isWanted);
  show();
}

function show() {
  const count = chosen().length;
  document.getElementById("chosen-count").textContent = words("%(count)s chosen", { count: numbers.format(count) });
  for (const card of cards()) {
    if (isOn()) card.setAttribute("aria-checked", String(card.classList.contains("chosen")));
    else card.removeAttribute("aria-checked");
  }
  for (const one of bar.querySelectorAll("[data-many]")) one.disabled = count === 0;
  bar.querySelector("[data-undo-many]").disabled = decided.length === 0;
}

async function alone(action) {
  if (isBusy || !isOn()) return;
  isBusy = true;
  hideNotice();
  try {
    await action();
  } catch (error) {
    showNotice(error.message);
  } finally {
    isBusy = false;
    show();
  }
}

const decide = (decision, defect) =>
  alone(async () => {
    const wanted = chosen();
    if (!wanted.length) throw new Error(words("Nothing is chosen."));
    const inspections = wanted.map((card) => ({ id: Number(card.dataset.id), replaces: null }));
    const answer = await postMany({ inspections, decision, ...(defect && { defect }) });
    const stored = new Map(answer.stored.map((one) => [one.inspection_id, one.id]));
    const places = wanted.filter((card) => stored.has(Number(card.dataset.id))).map((card) => {
      const item = card.closest("li");
      return { item, next: item.nextElementSibling, id: Number(card.dataset.id), disposition: stored.get(Number(card.dataset.id)) };
    });
    for (const { item } of places) item.remove();
    if (places.length) decided.push(places);
    announcement.textContent = words("%(count)s decided.", { count: numbers.format(places.length) });
    if (answer.refused.length) {
      showNotice(words("%(count)s were not decided: others look at them, or have decided.", { count: numbers.format(answer.refused.length) }));
    }
    (cards().find((card) => card.classList.contains("chosen")) ?? cards()[0])?.focus();
  });

const undo = () =>
  alone(async () => {
    const last = decided.at(-1);
    if (!last) throw new Error(words("There is nothing to undo."));
    const inspections = last.map(({ id, disposition }) => ({ id, replaces: disposition }));
    const answer = await postMany({ inspections, decision: "withdrawn" });
    const back = new Set(answer.stored.map((one) => one.inspection_id));
    decided.pop();
    for (const { item, next, id } of last.toReversed()) {
      if (back.has(id)) list.insertBefore(item, next?.parentElement === list ? next : null);
    }
    announcement.textContent = words("The decision is withdrawn.");
    cards()[0]?.focus();
  });

list?.addEventListener("click", (event) => {
  const card = event.target.closest(".card");
  if (!isOn() || !card || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  card.focus();
  toggle(card, event.shiftKey);
});

function onSpace(event) {
  const card = document.activeElement?.closest?.(".card");
  if (isOn() && card) toggle(card, event.shiftKey);
  else if (!isOn()) scrollBy({ top: innerHeight * 0.8 });
}

function byNumber(number) {
  const name = bar.querySelectorAll("[data-name]")[number - 1]?.dataset.name;
  if (name) decide("confirmed_defect", name);
}

if (button) {
  button.addEventListener("click", () => turn(!isOn()));
  bar.querySelector("[data-choose-all]").addEventListener("click", chooseAll);
  bar.querySelector("[data-undo-many]").addEventListener("click", undo);
  for (const one of bar.querySelectorAll("[data-many]")) {
    one.addEventListener("click", () => decide(one.dataset.many, one.dataset.name));
  }
  bindKeys({
    ...Object.fromEntries(Array.from({ length: 9 }, (_, index) => [String(index + 1), () => byNumber(index + 1)])),
    g: () => turn(!isOn()),
    " ": onSpace,
    a: () => isOn() && chooseAll(),
    d: () => decide("confirmed_defect"),
    f: () => decide("false_alarm"),
    u: () => decide("unclear"),
    z: undo,
    Escape: () => isOn() && turn(false),
  });
  turn(sessionStorage.getItem("kensa.grid") === "1");
}
