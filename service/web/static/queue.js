// The queue: walk over the parts with the arrow keys, narrow it down, and hear of new ones.

import { bindKeys } from "./keys.js";
import { fetchQueue, fetchSummary, fetchWaiting } from "./station.js";
import { localiseTimes } from "./times.js";
import { language, words } from "./words.js";

const LOOK_EVERY_MS = 5000;
const queue = document.querySelector(".queue");
const numbers = new Intl.NumberFormat(language);

// Anew each time: the grid takes decided ones away.
const findCards = () => [...document.querySelectorAll(".card")];

function step(offset) {
  const cards = findCards();
  const at = cards.indexOf(document.activeElement);
  const target = at < 0 ? 0 : Math.min(Math.max(at + offset, 0), cards.length - 1);
  cards[target]?.focus();
}

function columnCount() {
  const cards = findCards();
  const top = cards[0]?.offsetTop;
  const inFirstRow = cards.findIndex((card) => card.offsetTop !== top);
  return inFirstRow < 0 ? cards.length : inFirstRow;
}

async function look() {
  const waiting = document.hidden ? null : await fetchWaiting(queue.dataset.query);
  const more = waiting === null ? 0 : waiting - Number(queue.dataset.waiting);
  if (more === 0) return;
  if (findCards().length === 0) location.reload();
  else if (!isInUse()) await showAnew(more);
  else if (more > 0) tell(words("%(count)s more since this page was opened.", { count: numbers.format(more) }));
}

// Cards must not move while somebody is about to press one, and what lies behind stays as it was asked for.
function isInUse() {
  const list = document.querySelector(".cards");
  const isAtFront = !new URLSearchParams(location.search).has("after");
  return !isAtFront || queue.classList.contains("grid") || list.matches(":hover") || list.contains(document.activeElement);
}

async function showAnew(more) {
  const now = await fetchQueue(location.search).catch(() => null);
  const cards = now?.querySelector(".cards");
  if (!cards || isInUse()) return;
  document.querySelector(".cards").replaceChildren(...cards.children);
  document.querySelector(".queue-head > div").replaceWith(now.querySelector(".queue-head > div"));
  const [start, startNow] = [document.getElementById("start"), now.querySelector("#start")];
  if (start && startNow) start.href = startNow.getAttribute("href");
  queue.dataset.waiting = now.dataset.waiting;
  localiseTimes(queue);
  if (more > 0) tell(words("%(count)s more have come.", { count: numbers.format(more) }));
}

function tell(message) {
  document.getElementById("arrivals").textContent = message;
}

async function showCounts() {
  const summary = await fetchSummary();
  if (!summary?.stored) return;
  for (const element of document.querySelectorAll("[data-count]")) {
    const count = element.dataset.count.split(".").reduce((found, name) => found[name], summary);
    element.textContent = numbers.format(count);
  }
  document.querySelector(".counts").hidden = false;
}

function start(event) {
  const chosen = findCards().includes(document.activeElement) ? document.activeElement : document.getElementById("start");
  if (event.target.closest?.("a, button")) event.target.click();
  else chosen?.click();
}

function setUpFilters(form) {
  const shown = form.querySelector("[data-since]");
  const sent = form.elements.since;
  // The input shows the reader's own time; what is sent is an instant.
  if (shown.dataset.since) {
    const moment = new Date(shown.dataset.since);
    shown.value = new Date(moment - moment.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
  }
  shown.addEventListener("change", () => {
    sent.value = shown.value ? new Date(shown.value).toISOString() : "";
  });
  form.addEventListener("submit", () => {
    for (const field of form.elements) field.disabled = field.name !== "" && field.value === "";
  });
}

bindKeys({
  Enter: start,
  ArrowLeft: () => step(-1),
  ArrowRight: () => step(1),
  ArrowUp: () => step(-columnCount()),
  ArrowDown: () => step(columnCount()),
  "/": () => document.getElementById("search")?.focus(),
});
localiseTimes(document);
for (const form of document.querySelectorAll(".filters")) setUpFilters(form);
for (const origin of document.querySelectorAll("[data-origin]")) origin.textContent = location.origin;
setInterval(look, LOOK_EVERY_MS);
showCounts();
