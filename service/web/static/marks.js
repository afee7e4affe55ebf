// What the person draws and erases: boxes of their own, and the machine's regions that are none. Goes out with the decision.

import { pointOf, regionShown, seen } from "./zoom.js";

const SVG = "http://www.w3.org/2000/svg";
let part = null;
let drawn = [];
let erased = new Set();
// While drawing: the box that is being made.
let draft = null;
let isDrawing = false;

/** Begin with a newly shown part, and what was stored with its decision. */
export function setUpMarks(shown) {
  part = shown;
  drawn = [...part.querySelectorAll(".picture-marks rect")].map(boxOf);
  erased = new Set([...part.querySelectorAll('[data-erase][aria-pressed="true"]')].map((button) => Number(button.dataset.erase)));
  [draft, isDrawing] = [null, false];
  for (const button of part.querySelectorAll("[data-erase]")) {
    button.addEventListener("click", () => erase(Number(button.dataset.erase)));
  }
  const button = part.querySelector("[data-draw]");
  if (!button) return;
  button.addEventListener("click", toggleDrawing);
  listen(part.querySelector(".stage-picture"));
}

function boxOf(element) {
  const value = (name) => Number(element.getAttribute(name));
  return { x_px: value("x"), y_px: value("y"), width_px: value("width"), height_px: value("height") };
}

/** {drawn, erased} for the decision; null where nothing was drawn or erased. A box that was not kept is none. */
export function marks() {
  return drawn.length || erased.size ? { drawn, erased: [...erased].sort((a, b) => a - b) } : null;
}

/** Draw, or draw no more. A box lies in the middle at once, for who has no pointer. */
export function toggleDrawing() {
  if (!part.querySelector("[data-draw]")) return;
  isDrawing = !isDrawing;
  draft = null;
  const view = seen();
  if (isDrawing) {
    const [width, height] = [view.width / 5, view.height / 5];
    draft = { x: view.x + (view.width - width) / 2, y: view.y + (view.height - height) / 2, width, height };
    part.querySelector(".stage-picture").focus();
  }
  render();
}

/** Erase what was drawn last, or the machine's region that was shown last; once more brings that one back. */
export function eraseShown() {
  const number = regionShown();
  if (draft) [draft, isDrawing] = [null, false];
  else if (drawn.length) drawn.pop();
  else if (number) return erase(number);
  render();
}

function erase(number) {
  if (!erased.delete(number)) erased.add(number);
  render();
}

function keep() {
  isDrawing = false;
  keepDraft();
}

function keepDraft() {
  const { width, height } = part.querySelector("svg.picture image")?.getBBox() ?? {};
  if (draft) {
    const [x, y] = [Math.max(draft.x, 0), Math.max(draft.y, 0)];
    const [right, bottom] = [Math.min(draft.x + draft.width, width), Math.min(draft.y + draft.height, height)];
    const box = { x_px: Math.floor(x), y_px: Math.floor(y), width_px: Math.ceil(right - x), height_px: Math.ceil(bottom - y) };
    if (box.width_px > 0 && box.height_px > 0) drawn.push(box);
  }
  draft = null;
  render();
}

function render() {
  part.classList.toggle("drawing", isDrawing);
  part.querySelector("[data-draw]")?.setAttribute("aria-pressed", String(isDrawing));
  for (const region of part.querySelectorAll(".region")) region.classList.toggle("erased", erased.has(Number(region.dataset.region)));
  for (const button of part.querySelectorAll("[data-erase]")) {
    button.setAttribute("aria-pressed", String(erased.has(Number(button.dataset.erase))));
  }
  const boxes = drawn.map((box) => ({ x: box.x_px, y: box.y_px, width: box.width_px, height: box.height_px }));
  part.querySelector(".picture-marks")?.replaceChildren(...[...boxes, ...(draft ? [draft] : [])].map(rectangle));
}

function rectangle(box) {
  const element = document.createElementNS(SVG, "rect");
  element.setAttribute("class", box === draft ? "drawn draft" : "drawn");
  for (const [name, value] of Object.entries(box)) element.setAttribute(name, value);
  return element;
}

function listen(stage) {
  let start = null;
  // Before the zoom hears of it: a drag draws now, and does not move the picture.
  const listenFirst = (kind, action) =>
    stage.addEventListener(kind, (event) => {
      if (!isDrawing) return;
      event.stopImmediatePropagation();
      action(event);
    }, { capture: true });
  listenFirst("pointerdown", (event) => {
    stage.setPointerCapture(event.pointerId);
    start = pointOf(event);
    draft = { x: start.x, y: start.y, width: 0, height: 0 };
  });
  listenFirst("pointermove", (event) => {
    if (!start) return;
    const end = pointOf(event);
    draft = { x: Math.min(start.x, end.x), y: Math.min(start.y, end.y), width: Math.abs(end.x - start.x), height: Math.abs(end.y - start.y) };
    render();
  });
  listenFirst("pointerup", () => {
    start = null;
    keep();
  });
  // The system took the finger away: what was begun is not kept.
  listenFirst("pointercancel", () => {
    [start, draft, isDrawing] = [null, null, false];
    render();
  });
  stage.addEventListener("keydown", (event) => isDrawing && draft && shape(event), { capture: true });
}

function shape(event) {
  const step = seen().width / 40;
  const move = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key];
  if (move && event.shiftKey) Object.assign(draft, { width: Math.max(draft.width + move[0], step), height: Math.max(draft.height + move[1], step) });
  else if (move) Object.assign(draft, { x: draft.x + move[0], y: draft.y + move[1] });
  else if (event.key === "Enter") keep();
  else if (event.key === "Escape") eraseShown();
  else return;
  event.preventDefault();
  event.stopImmediatePropagation();
  render();
}
