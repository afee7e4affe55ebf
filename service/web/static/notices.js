// What is told beside the part: refusals, and how many are left.

import { language, words } from "./words.js";

const notice = document.getElementById("notice");
const numbers = new Intl.NumberFormat(language);
// A longer queue is not counted to its end.
const MOST_COUNTED = 10_000;

export function showNotice(message) {
  notice.textContent = message;
  notice.hidden = false;
}

export function hideNotice() {
  notice.hidden = true;
}

function counted(count) {
  return count > MOST_COUNTED ? `${numbers.format(MOST_COUNTED)}+` : numbers.format(count);
}

export function showProgress(part, decidedCount) {
  const waiting = Number(part.dataset.waiting);
  document.getElementById("waiting").textContent = words("%(count)s left", { count: counted(waiting) });
  const progress = document.getElementById("session-progress");
  progress.max = Math.max(decidedCount + waiting, 1);
  progress.value = decidedCount;
  for (const button of part.querySelectorAll("[data-go]")) {
    button.disabled = !part.dataset[button.dataset.go];
  }
}
