// The queue: walk over the parts with the arrow keys, and hear of new ones.

import { bindKeys } from "./keys.js";
import { fetchSummary } from "./station.js";
import { localiseTimes } from "./times.js";

const LOOK_EVERY_MS = 5000;
const queue = document.querySelector(".queue");
const cards = [...document.querySelectorAll(".card")];

function step(offset) {
  const at = cards.indexOf(document.activeElement);
  const target = at < 0 ? 0 : Math.min(Math.max(at + offset, 0), cards.length - 1);
  cards[target]?.focus();
}

function columnCount() {
  const top = cards[0]?.offsetTop;
  const inFirstRow = cards.findIndex((card) => card.offsetTop !== top);
  return inFirstRow < 0 ? cards.length : inFirstRow;
}

async function look() {
  const summary = document.hidden ? null : await fetchSummary();
  const more = (summary?.undecided ?? 0) - Number(queue.dataset.waiting);
  if (!summary || more === 0) return;
  if (cards.length === 0) location.reload();
  else if (more > 0) document.getElementById("arrivals").textContent = `${more} more since this page was opened.`;
}

function start(event) {
  const chosen = cards.includes(document.activeElement) ? document.activeElement : document.getElementById("start");
  if (event.target.closest?.("a, button")) event.target.click();
  else chosen?.click();
}

bindKeys({
  Enter: start,
  ArrowLeft: () => step(-1),
  ArrowRight: () => step(1),
  ArrowUp: () => step(-columnCount()),
  ArrowDown: () => step(columnCount()),
});
localiseTimes(document);
for (const origin of document.querySelectorAll("[data-origin]")) origin.textContent = location.origin;
setInterval(look, LOOK_EVERY_MS);
