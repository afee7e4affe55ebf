// The wall screen: it looks again by itself, and says so when it cannot.

import { language } from "./words.js";

const LOOK_EVERY_MS = 3000;
const board = document.getElementById("board");
const lost = document.getElementById("lost");
const UNITS = [["day", 86_400], ["hour", 3600], ["minute", 60], ["second", 1]];

/** How long ago, in its largest unit: "12 minutes" or, with `ago`, "12 minutes ago". */
function aged(seconds, isAgo) {
  const [unit, size] = UNITS.find(([, length]) => seconds >= length) ?? UNITS.at(-1);
  const count = Math.floor(Math.max(seconds, 0) / size);
  if (isAgo) return new Intl.RelativeTimeFormat(language, { numeric: "always" }).format(-count, unit);
  return new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "long" }).format(count);
}

function tellAges() {
  for (const element of board.querySelectorAll("time[data-age]")) {
    element.title = element.dateTime;
    element.textContent = aged((Date.now() - new Date(element.dateTime)) / 1000, element.dataset.age === "ago");
  }
}

async function look() {
  if (document.hidden) return;
  const answer = await fetch("/overview/board").catch(() => null);
  lost.hidden = answer !== null && answer.ok;
  if (answer?.status === 401) location.reload();
  if (!answer?.ok) return;
  // A link that has the focus keeps it over the change.
  const focused = board.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  board.replaceChildren(...new DOMParser().parseFromString(await answer.text(), "text/html").body.children);
  if (focused !== null) board.querySelector(`a[href="${focused}"]`)?.focus();
  tellAges();
}

tellAges();
setInterval(look, LOOK_EVERY_MS);
