// One part after the other: decide by key or button, and the next one is there.

import { fetchAhead, takePart } from "./ahead.js";
import { bindKeys } from "./keys.js";
import { keepLease } from "./lease.js";
import { eraseShown, marks, setUpMarks, toggleDrawing } from "./marks.js";
import { hideNotice, showNotice, showProgress } from "./notices.js";
import { fetchNeighbours, fetchPart, postDisposition } from "./station.js";
import { localiseTimes } from "./times.js";
import { raise, setUpViewer, strengthen, toggle } from "./viewer.js";
import { words } from "./words.js";
import { fit, setUpZoom, toNextRegion, zoom } from "./zoom.js";

const announcement = document.getElementById("announcement");
const query = document.getElementById("part").dataset.query;
// Decisions of this page that can be taken back, the latest last: {id, disposition}.
const decided = [];
// While true, a key does nothing: it must never decide about a part that is not shown yet.
let isBusy = false;
// What was fetched ahead is brought up to date while the person looks; `next` is trusted only after that.
let refreshing = Promise.resolve();

const shown = () => document.getElementById("part");

/** Run one action at a time; what goes wrong is told. */
async function alone(action) {
  if (isBusy) return;
  isBusy = true;
  const buttons = shown().querySelector(".decisions");
  buttons.setAttribute("aria-busy", "true");
  try {
    hideNotice();
    await action(buttons);
  } catch (error) {
    showNotice(error.message);
  } finally {
    buttons.removeAttribute("aria-busy");
    buttons.querySelector(".chosen")?.classList.remove("chosen");
    isBusy = false;
  }
}

function decide(decision, defect) {
  return alone(async (buttons) => {
    if (buttons.hasAttribute("data-locked")) throw new Error(words("You may look at parts, but not decide about them."));
    const part = shown();
    buttons.querySelector(defect ? `[data-defect="${CSS.escape(defect)}"]` : `[data-decision="${decision}"]`)?.classList.add("chosen");
    const replaces = part.dataset.disposition ? Number(part.dataset.disposition) : null;
    const drawn = marks();
    const stored = await postDisposition(part.dataset.id, {
      decision,
      replaces,
      ...(defect && { defect }),
      ...(drawn && { marks: drawn }),
    });
    await refreshing;
    decided.push({ id: part.dataset.id, disposition: stored.id });
    if (part.dataset.next) await show(part.dataset.next);
    else location.assign(`/review${query}`);
  });
}

function decideByNumber(number) {
  const name = shown().querySelectorAll("[data-defect]")[number - 1]?.dataset.defect;
  if (name) decide("confirmed_defect", name);
}

function undo() {
  return alone(async () => {
    const last = decided.at(-1);
    if (!last) throw new Error(words("There is nothing to undo."));
    await postDisposition(last.id, { decision: "withdrawn", replaces: last.disposition });
    decided.pop();
    await show(last.id);
    announcement.textContent = words("The decision is withdrawn.");
  });
}

function go(direction) {
  return alone(async () => {
    await refreshing;
    const id = shown().dataset[direction];
    if (id) await show(id);
  });
}

async function show(id, { isBack = false } = {}) {
  const part = await takePart(id, query);
  const hadFocus = shown().contains(document.activeElement);
  shown().replaceWith(part);
  if (!isBack) history.pushState(null, "", `/review/${id}${query}`);
  setUp(part);
  if (hadFocus) part.querySelector("h1").focus();
  announcement.textContent = `${part.dataset.title}, ${part.querySelector(".chip").textContent}. ${part.querySelector(".why").textContent}`;
  refreshing = refresh(part).catch((error) => showNotice(error.message));
}

// Another person may have decided since it was fetched, and new parts may have come.
async function refresh(part) {
  const now = await fetchPart(part.dataset.id, query);
  if (shown() !== part) return;
  if (now.dataset.asked !== part.dataset.asked) {
    // Somebody was unsure meanwhile: another question is asked now, and what the page says of it is all new.
    part.replaceWith(document.adoptNode(now));
    setUp(now);
    showProgress(now, decided.length);
    fetchAhead(now.dataset.next, query);
    return;
  }
  if (now.dataset.disposition !== part.dataset.disposition) {
    part.querySelector(".decisions").replaceWith(document.adoptNode(now.querySelector(".decisions")));
    bindDecisions(part);
    localiseTimes(part);
  }
  Object.assign(part.dataset, now.dataset);
  showProgress(part, decided.length);
  fetchAhead(part.dataset.next, query);
}

function setUp(part) {
  document.title = `${part.dataset.title} · ${words("Review")} · Kensa`;
  localiseTimes(part);
  setUpViewer(part);
  setUpMarks(part);
  setUpZoom(part);
  bindDecisions(part);
  keepLease(part);
  compare(part);
  for (const button of part.querySelectorAll("[data-go]")) {
    button.addEventListener("click", () => go(button.dataset.go));
  }
  // From here on its keys and buttons are heard.
  part.dataset.ready = "";
}

async function compare(part) {
  const place = part.querySelector("[data-neighbours]");
  const found = await fetchNeighbours(place.dataset.neighbours).catch(() => []);
  place.replaceChildren(...found.map((element) => document.adoptNode(element)));
}

function bindDecisions(part) {
  for (const button of part.querySelectorAll("[data-decision]")) {
    button.addEventListener("click", () => decide(button.dataset.decision));
  }
  for (const button of part.querySelectorAll("[data-defect]")) {
    button.addEventListener("click", () => decide("confirmed_defect", button.dataset.defect));
  }
  part.querySelector("[data-new-defect]")?.addEventListener("submit", (event) => {
    event.preventDefault();
    const name = event.target.elements.defect.value.trim();
    if (name) decide("confirmed_defect", name);
  });
}

const numberKeys = Array.from({ length: 9 }, (_, index) => [String(index + 1), () => decideByNumber(index + 1)]);
bindKeys({
  ...Object.fromEntries(numberKeys),
  d: () => decide("confirmed_defect"),
  f: () => decide("false_alarm"),
  u: () => decide("unclear"),
  n: () => shown().querySelector("[data-new-defect] input")?.focus(),
  z: undo,
  h: () => toggle("heat"),
  r: () => toggle("regions"),
  "[": () => strengthen(-10),
  "]": () => strengthen(10),
  ",": () => raise(-10),
  ".": () => raise(10),
  m: toggleDrawing,
  x: eraseShown,
  "+": () => zoom(1.5),
  "-": () => zoom(1 / 1.5),
  0: fit,
  g: toNextRegion,
  q: () => location.assign(`/review${query}`),
  ArrowLeft: () => go("previous"),
  ArrowRight: () => go("next"),
});
window.addEventListener("popstate", () => {
  const id = location.pathname.split("/").pop();
  show(id, { isBack: true }).catch((error) => showNotice(error.message));
});
setUp(shown());
showProgress(shown(), decided.length);
fetchAhead(shown().dataset.next, query);
