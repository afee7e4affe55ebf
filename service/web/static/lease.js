// Whoever looks at a part has it for a while, so that two people never decide about the same one.

import { hideNotice, showNotice } from "./notices.js";
import { dropLease, postLease } from "./station.js";
import { words } from "./words.js";

const RENEW_EVERY_MS = 45_000;
let timer = 0;
let isHeldByOther = false;

/** Take the part, and keep it while it is shown and in sight. Viewers take nothing. */
export function keepLease(part) {
  clearInterval(timer);
  if (part.querySelector(".decisions").hasAttribute("data-locked")) return;
  take(part);
  timer = setInterval(() => document.hidden || take(part), RENEW_EVERY_MS);
}

addEventListener("pagehide", () => {
  const part = document.getElementById("part");
  if (timer && !isHeldByOther) dropLease(part.dataset.id);
});

async function take(part) {
  const lease = await postLease(part.dataset.id, part.dataset.query);
  if (!lease || !part.isConnected) return;
  if (!lease.is_mine) {
    const message = "%(name)s is looking at this part. Decide on another one, or wait until they have.";
    showNotice(words(message, { name: lease.holder }));
  } else if (isHeldByOther) {
    hideNotice();
  }
  isHeldByOther = !lease.is_mine;
}
