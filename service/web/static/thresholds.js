// Thresholds: limits that are dragged or moved by keys, and what they would mean, asked of the service as they move.

import { postChange } from "./forms.js";
import { language, words } from "./words.js";

const page = document.getElementById("thresholds");
const costs = document.getElementById("costs");
const told = document.getElementById("told");
const trying = document.getElementById("trying");
const inForce = JSON.parse(page.dataset.limits);
const limits = { ...inForce };
const handles = [...document.querySelectorAll(".limit")];
const share = new Intl.NumberFormat(language, { style: "percent", maximumSignificantDigits: 3 });
const number = new Intl.NumberFormat(language, { maximumSignificantDigits: 4 });
let isAsking = false;
let isStale = false;

const chartOf = (handle) => handle.closest(".histogram").dataset;
const scoreOf = (name) => name.split("_")[0];
const differs = () => Object.keys(limits).some((name) => limits[name] !== inForce[name]);

function shown(value, { decimals }) {
  return new Intl.NumberFormat(language, { minimumFractionDigits: decimals, maximumFractionDigits: decimals }).format(value);
}

function placeOf(value, { low, high }) {
  return `${Math.min(Math.max(((value - low) / (high - low)) * 100, 0), 100)}%`;
}

/** Move one limit; it keeps its side of the other. */
function setLimit(handle, value) {
  const chart = chartOf(handle);
  const name = handle.dataset.limit;
  const score = scoreOf(name);
  const least = (chart.high - chart.low) / 1000;
  const [low, high] = name.endsWith("_pass")
    ? [Number(chart.low), limits[`${score}_fail`] - least]
    : [limits[`${score}_pass`] + least, Number(chart.high)];
  limits[name] = Math.min(Math.max(value, low), high);
  draw();
  ask();
}

function draw() {
  for (const handle of handles) {
    const chart = chartOf(handle);
    const value = limits[handle.dataset.limit];
    const place = placeOf(value, chart);
    handle.style.left = place;
    handle.classList.toggle("at-end", Number.parseFloat(place) > 93);
    handle.setAttribute("aria-valuemin", chart.low);
    handle.setAttribute("aria-valuemax", chart.high);
    handle.setAttribute("aria-valuenow", value);
    handle.setAttribute("aria-valuetext", shown(value, chart));
    handle.title = shown(value, chart);
  }
  for (const histogram of document.querySelectorAll(".histogram")) drawZones(histogram);
  const button = document.getElementById("apply");
  if (button) button.disabled = !differs();
}

function drawZones(histogram) {
  const chart = histogram.dataset;
  const [pass, fail] = ["pass", "fail"].map((which) => limits[`${chart.score}_${which}`]);
  const edges = ["0%", placeOf(pass, chart), placeOf(fail, chart), "100%"];
  histogram.querySelectorAll(".zone").forEach((zone, index) => {
    zone.style.left = edges[index];
    zone.style.width = `calc(${edges[index + 1]} - ${edges[index]})`;
  });
  const [passes, fails] = ["pass", "fail"].map((which) => histogram.querySelector(`.limit-${which} .limit-grip`).textContent);
  const text = `${passes} ${shown(pass, chart)} · ${fails} ${shown(fail, chart)}`;
  document.querySelector(`[data-zones="${chart.score}"]`).textContent = text;
  const axis = histogram.nextElementSibling;
  for (const end of ["low", "high"]) axis.querySelector(`[data-axis="${end}"]`).textContent = shown(chart[end], chart);
}

function fill(kind, figures, compared) {
  for (const cell of document.querySelectorAll(`[data-${kind}]`)) {
    const key = cell.dataset[kind];
    const found = figures?.[key];
    cell.classList.remove("better", "worse");
    if (!found) {
      cell.textContent = figures ? words("unknown") : "–";
      continue;
    }
    const format = cell.dataset.kind === "share" ? share : number;
    const interval = document.createElement("small");
    interval.textContent = `${format.format(found.low)} – ${format.format(found.high)}`;
    cell.replaceChildren(format.format(found.value), interval);
    const before = compared?.[key];
    if (before && found.value !== before.value) cell.classList.add(found.value < before.value ? "better" : "worse");
  }
}

function showKnownEscapes(ids) {
  const place = document.getElementById("known-escapes");
  place.hidden = ids.length === 0;
  const links = ids.map((id) => Object.assign(document.createElement("a"), { href: `/review/${id}`, textContent: id }));
  place.querySelector("[data-links]").replaceChildren(...links.flatMap((link) => [link, " "]));
}

function query(extra = {}) {
  const given = Object.fromEntries(new FormData(costs));
  return new URLSearchParams({ station: page.dataset.station, ...given, ...extra });
}

async function fetchFigures(path, extra) {
  const answer = await fetch(`/api/v1/thresholds/${path}?${query(extra)}`).catch(() => null);
  if (answer?.ok) return answer.json();
  const problem = await answer?.json().catch(() => null);
  const message = answer ? words("The service answered %(status)s.", { status: answer.status }) : words("The service does not answer. Try again.");
  throw new Error(problem && language === "en" ? `${problem.detail}: ${problem.remedy}.` : message);
}

/** One question at a time; what moved meanwhile is asked next, so that the figures never lag behind a queue. */
async function ask() {
  if (!costs.checkValidity()) return;
  isStale = true;
  if (isAsking) return;
  isAsking = true;
  trying.textContent = words("counting …");
  while (isStale) {
    isStale = false;
    try {
      const [now, tried] = await Promise.all([fetchFigures("what-if", inForce), differs() ? fetchFigures("what-if", limits) : null]);
      fill("now", now.figures);
      fill("tried", tried?.figures, now.figures);
      showKnownEscapes((tried ?? now).figures.known_escape_ids);
      told.textContent = "";
    } catch (error) {
      told.textContent = error.message;
    }
  }
  isAsking = false;
  trying.textContent = "";
}

async function propose() {
  try {
    const { thresholds } = await fetchFigures("proposal", {});
    for (const score of ["local", "global"]) {
      limits[`${score}_pass`] = thresholds[`${score}_score`].pass_limit;
      limits[`${score}_fail`] = thresholds[`${score}_score`].fail_limit;
    }
    draw();
    await ask();
  } catch (error) {
    told.textContent = error.message;
  }
}

async function apply(note) {
  const of = (score) => ({ pass_limit: limits[`${score}_pass`], fail_limit: limits[`${score}_fail`] });
  const { station, bundle, version } = page.dataset;
  const thresholds = { local_score: of("local"), global_score: of("global") };
  const body = { station, bundle_id: bundle, based_on: Number(version), thresholds };
  try {
    await postChange("/api/v1/thresholds", note ? { ...body, note } : body);
    location.assign(`/thresholds?${query()}`);
  } catch (error) {
    told.textContent = error.message;
  }
}

function follow(handle, event) {
  const box = handle.parentElement.getBoundingClientRect();
  const chart = chartOf(handle);
  setLimit(handle, Number(chart.low) + ((event.clientX - box.left) / box.width) * (chart.high - chart.low));
}

function moveByKey(handle, event) {
  const chart = chartOf(handle);
  const step = ((chart.high - chart.low) / 200) * (event.shiftKey ? 10 : 1);
  const steps = { ArrowLeft: -step, ArrowDown: -step, ArrowRight: step, ArrowUp: step, PageDown: -10 * step, PageUp: 10 * step };
  const ends = { Home: Number(chart.low), End: Number(chart.high) };
  if (event.key in steps) setLimit(handle, limits[handle.dataset.limit] + steps[event.key]);
  else if (event.key in ends) setLimit(handle, ends[event.key]);
  else return;
  event.preventDefault();
}

for (const handle of handles) {
  handle.addEventListener("pointerdown", (event) => {
    handle.setPointerCapture(event.pointerId);
    handle.focus();
    event.preventDefault();
  });
  handle.addEventListener("pointermove", (event) => {
    if (handle.hasPointerCapture(event.pointerId)) follow(handle, event);
  });
  handle.addEventListener("keydown", (event) => moveByKey(handle, event));
}
costs.addEventListener("input", ask);
costs.addEventListener("submit", (event) => event.preventDefault());
document.getElementById("propose").addEventListener("click", propose);
document.getElementById("back").addEventListener("click", () => {
  Object.assign(limits, inForce);
  draw();
  ask();
});
const dialog = document.getElementById("apply-dialog");
document.getElementById("apply")?.addEventListener("click", () => dialog.showModal());
dialog.addEventListener("close", () => {
  if (dialog.returnValue === "apply") apply(document.getElementById("apply-note").value.trim());
});
fill("now", JSON.parse(page.dataset.figures));
fill("tried", null);
showKnownEscapes(JSON.parse(page.dataset.figures).known_escape_ids);
draw();
