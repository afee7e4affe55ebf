// How the image is looked at: heat map and regions on or off, and how strong. Kept from part to part.

import { words } from "./words.js";

const KEY = "kensa.view";
const view = { heat: true, regions: true, opacity: 70, threshold: 50, ...JSON.parse(localStorage.getItem(KEY) ?? "{}") };

/** Make a newly shown part look as the person last chose, and listen to its tools. */
export function setUpViewer(part) {
  for (const button of part.querySelectorAll("[data-toggle]")) {
    button.addEventListener("click", () => toggle(button.dataset.toggle));
  }
  part.querySelector("[data-opacity]")?.addEventListener("input", (event) => setOpacity(Number(event.target.value)));
  part.querySelector("[data-threshold]")?.addEventListener("input", (event) => setThreshold(Number(event.target.value)));
  for (const item of part.querySelectorAll("li[data-region]")) {
    const region = part.querySelector(`.region[data-region="${item.dataset.region}"]`);
    item.addEventListener("pointerenter", () => region?.classList.add("marked"));
    item.addEventListener("pointerleave", () => region?.classList.remove("marked"));
  }
  const photo = part.querySelector("img.picture");
  photo?.addEventListener("error", () => {
    const note = document.createElement("p");
    note.className = "no-picture";
    note.textContent = words("No picture: these bytes cannot be shown.");
    photo.replaceWith(note);
  });
  apply();
}

export function toggle(layer) {
  view[layer] = !view[layer];
  apply();
}

export function strengthen(step) {
  view.heat = true;
  setOpacity(view.opacity + step);
}

function setOpacity(percent) {
  view.opacity = Math.min(100, Math.max(10, percent));
  apply();
}

/** Show the heat map from a higher or lower score on, in percent of the pass limit. */
export function raise(step) {
  view.heat = true;
  setThreshold(view.threshold + step);
}

function setThreshold(percent) {
  view.threshold = Math.min(200, Math.max(50, percent));
  apply();
}

// A level of the heat map is 0 at half the pass limit, and 1 at twice the pass limit.
function hideBelow(picture) {
  const least = (view.threshold / 100 - 0.5) / 1.5;
  const steps = Array.from({ length: 64 }, (_, step) => (step / 63 >= least ? step / 63 : 0).toFixed(3));
  picture.closest("svg").querySelector("feFuncA").setAttribute("tableValues", steps.join(" "));
  if (least > 0) picture.setAttribute("filter", "url(#heat-from)");
  else picture.removeAttribute("filter");
}

function apply() {
  localStorage.setItem(KEY, JSON.stringify(view));
  const part = document.getElementById("part");
  part.classList.toggle("no-heat", !view.heat);
  part.classList.toggle("no-regions", !view.regions);
  part.style.setProperty("--heat-opacity", view.opacity / 100);
  for (const button of part.querySelectorAll("[data-toggle]")) {
    button.setAttribute("aria-pressed", String(view[button.dataset.toggle]));
  }
  const slider = part.querySelector("[data-opacity]");
  if (slider) {
    slider.value = view.opacity;
    slider.disabled = !view.heat;
  }
  const least = part.querySelector("[data-threshold]");
  if (least) {
    least.value = view.threshold;
    least.disabled = !view.heat;
  }
  const heat = part.querySelector(".stage .picture-heat");
  if (heat) hideBelow(heat);
}
