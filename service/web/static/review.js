// One part after the other: decide by key or button, and the next one is there.

import { fetchAhead, takePart } from "./ahead.js";
import { bindKeys } from "./keys.js";
import { fetchPart, postDisposition } from "./station.js";
import { localiseTimes } from "./times.js";
import { setUpViewer, strengthen, toggle } from "./viewer.js";

const notice = document.getElementById("notice");
const announcement = document.getElementById("announcement");
let decidedCount = 0;
// While true, a key does nothing: it must never decide about a part that is not shown yet.
let isBusy = false;
// What was fetched ahead is brought up to date while the person looks; `next` is trusted only after that.
let refreshing = Promise.resolve();

const shown = () => document.getElementById("part");

async function decide(decision) {
  if (isBusy) return;
  isBusy = true;
  const part = shown();
  const buttons = part.querySelector(".decisions");
  try {
    if (buttons.hasAttribute("data-locked")) throw new Error("You may look at parts, but not decide about them.");
    buttons.setAttribute("aria-busy", "true");
    buttons.querySelector(`[data-decision="${decision}"]`).classList.add("chosen");
    const wasDecided = Boolean(part.dataset.decision);
    await postDisposition(part.dataset.id, decision);
    await refreshing;
    decidedCount += wasDecided ? 0 : 1;
    hideNotice();
    if (part.dataset.next) await show(part.dataset.next);
    else location.assign("/review");
  } catch (error) {
    showNotice(error.message);
  } finally {
    buttons.removeAttribute("aria-busy");
    buttons.querySelector(".chosen")?.classList.remove("chosen");
    isBusy = false;
  }
}

async function go(direction) {
  if (isBusy) return;
  isBusy = true;
  try {
    await refreshing;
    const id = shown().dataset[direction];
    if (id) await show(id);
    hideNotice();
  } catch (error) {
    showNotice(error.message);
  } finally {
    isBusy = false;
  }
}

async function show(id, { isBack = false } = {}) {
  const part = await takePart(id);
  const hadFocus = shown().contains(document.activeElement);
  shown().replaceWith(part);
  if (!isBack) history.pushState(null, "", `/review/${id}`);
  setUp(part);
  if (hadFocus) part.querySelector("h1").focus();
  announcement.textContent = `${part.dataset.title}, ${part.querySelector(".chip").textContent}. ${part.querySelector(".why").textContent}`;
  refreshing = refresh(part).catch((error) => showNotice(error.message));
}

// Another person may have decided since it was fetched, and new parts may have come.
async function refresh(part) {
  const now = await fetchPart(part.dataset.id);
  if (shown() !== part) return;
  if (now.dataset.decision !== part.dataset.decision) {
    part.querySelector(".decisions").replaceWith(now.querySelector(".decisions"));
    bindDecisions(part);
    localiseTimes(part);
  }
  Object.assign(part.dataset, now.dataset);
  showProgress(part);
  fetchAhead(part.dataset.next);
}

function setUp(part) {
  document.title = `${part.dataset.title} · Review · Kensa`;
  localiseTimes(part);
  setUpViewer(part);
  bindDecisions(part);
  for (const button of part.querySelectorAll("[data-go]")) {
    button.addEventListener("click", () => go(button.dataset.go));
  }
}

function bindDecisions(part) {
  for (const button of part.querySelectorAll(".decision")) {
    button.addEventListener("click", () => decide(button.dataset.decision));
  }
}

function showProgress(part) {
  const waiting = Number(part.dataset.waiting);
  document.getElementById("waiting").textContent = `${waiting} left`;
  const progress = document.getElementById("session-progress");
  progress.max = Math.max(decidedCount + waiting, 1);
  progress.value = decidedCount;
  for (const button of part.querySelectorAll("[data-go]")) {
    button.disabled = !part.dataset[button.dataset.go];
  }
}

function showNotice(message) {
  notice.textContent = message;
  notice.hidden = false;
}

function hideNotice() {
  notice.hidden = true;
}

bindKeys({
  d: () => decide("confirmed_defect"),
  f: () => decide("false_alarm"),
  u: () => decide("unclear"),
  h: () => toggle("heat"),
  r: () => toggle("regions"),
  "+": () => strengthen(10),
  "-": () => strengthen(-10),
  q: () => location.assign("/review"),
  ArrowLeft: () => go("previous"),
  ArrowRight: () => go("next"),
});
window.addEventListener("popstate", () => {
  const id = location.pathname.split("/").pop();
  show(id, { isBack: true }).catch((error) => showNotice(error.message));
});
setUp(shown());
showProgress(shown());
fetchAhead(shown().dataset.next);
