// Nearer and farther: wheel, keys, two fingers; dragged with one. The picture is an SVG, so only its viewBox changes.

const NEAREST = 16;
let picture = null;
let whole = null;
let box = null;
let regionAt = -1;

/** Make the picture of a newly shown part listen. */
export function setUpZoom(part) {
  picture = part.querySelector(".stage-picture svg.picture");
  for (const button of part.querySelectorAll("[data-zoom]")) {
    button.disabled = !picture;
    button.addEventListener("click", () => zoom(button.dataset.zoom === "in" ? 1.5 : 1 / 1.5));
  }
  regionAt = -1;
  if (!picture) return;
  const { x, y, width, height } = picture.viewBox.baseVal;
  whole = { x, y, width, height };
  show(whole);
  listen(part.querySelector(".stage-picture"));
}

/** Nearer by `factor`, about a point of the image (its middle where none is given). */
export function zoom(factor, at = middle()) {
  if (!picture) return;
  const width = Math.min(Math.max(box.width / factor, whole.width / NEAREST), whole.width);
  const scale = width / box.width;
  show({
    x: at.x - (at.x - box.x) * scale,
    y: at.y - (at.y - box.y) * scale,
    width,
    height: box.height * scale,
  });
}

/** The whole image. */
export function fit() {
  regionAt = -1;
  if (picture) show(whole);
}

/** The next region, with some of what lies around it; after the last one the first. */
export function toNextRegion() {
  const regions = picture ? [...picture.querySelectorAll(".region-line")] : [];
  if (!regions.length) return;
  regionAt = (regionAt + 1) % regions.length;
  const region = regions[regionAt].getBBox();
  const share = Math.max((3 * region.width) / whole.width, (3 * region.height) / whole.height, 1 / NEAREST);
  const width = Math.min(share, 1) * whole.width;
  const height = Math.min(share, 1) * whole.height;
  show({ x: region.x + region.width / 2 - width / 2, y: region.y + region.height / 2 - height / 2, width, height });
}

function move(dx, dy) {
  show({ ...box, x: box.x + dx, y: box.y + dy });
}

function show(wanted) {
  const clamp = (value, low, high) => Math.min(Math.max(value, low), Math.max(high, low));
  box = {
    ...wanted,
    x: clamp(wanted.x, whole.x, whole.x + whole.width - wanted.width),
    y: clamp(wanted.y, whole.y, whole.y + whole.height - wanted.height),
  };
  picture.setAttribute("viewBox", `${box.x} ${box.y} ${box.width} ${box.height}`);
  const percent = Math.round((100 * whole.width) / box.width);
  picture.closest(".stage").classList.toggle("zoomed", percent > 100);
  picture.closest(".stage").querySelector("[data-zoom-shown]").textContent = `${percent} %`;
}

const middle = () => ({ x: box.x + box.width / 2, y: box.y + box.height / 2 });

/** The region that was shown last by `toNextRegion`, counted from 1; 0 for none. */
export const regionShown = () => regionAt + 1;

/** What is seen of the image: {x, y, width, height} in its pixels; null where there is none. */
export const seen = () => (picture ? { ...box } : null);

/** Where the pointer is, in pixels of the image. */
export function pointOf(event) {
  return new DOMPoint(event.clientX, event.clientY).matrixTransform(picture.getScreenCTM().inverse());
}

function listen(stage) {
  const fingers = new Map();
  stage.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(Math.exp(-event.deltaY / 400), pointOf(event));
  }, { passive: false });
  stage.addEventListener("pointerdown", (event) => {
    fingers.set(event.pointerId, event);
    stage.setPointerCapture(event.pointerId);
  });
  stage.addEventListener("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    const other = [...fingers.values()].find((finger) => finger.pointerId !== event.pointerId);
    if (other) zoom(distance(event, other) / Math.max(distance(before, other), 1), pointOf(other));
    else drag(before, event);
    fingers.set(event.pointerId, event);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    stage.addEventListener(end, (event) => fingers.delete(event.pointerId));
  }
  stage.addEventListener("dblclick", (event) => (box.width < whole.width ? fit() : zoom(3, pointOf(event))));
  stage.addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!steps || !event.shiftKey) return;
    event.preventDefault();
    event.stopPropagation();
    move((steps[0] * box.width) / 8, (steps[1] * box.height) / 8);
  });
}

function drag(before, event) {
  const [from, to] = [pointOf(before), pointOf(event)];
  move(from.x - to.x, from.y - to.y);
}

const distance = (a, b) => Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
