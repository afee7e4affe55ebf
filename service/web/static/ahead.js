// Parts fetched before they are asked for, with their pictures.

import { fetchPart } from "./station.js";

const fetched = new Map();

/** Fetch a part and its pictures in the background. */
export function fetchAhead(id, query) {
  if (!id || fetched.has(id)) return;
  const part = fetchPart(id, query).then((found) => loadPictures(document.adoptNode(found)));
  // A failure is told when the part is asked for, not before.
  part.catch(() => fetched.delete(id));
  fetched.set(id, part);
}

/** The part: at once where it was fetched ahead. Each is given out only once, since it ages. */
export function takePart(id, query) {
  fetchAhead(id, query);
  const part = fetched.get(id);
  fetched.delete(id);
  return part;
}

function loadPictures(part) {
  for (const picture of part.querySelectorAll("image, img.picture")) {
    new Image().src = picture.getAttribute("href") ?? picture.getAttribute("src");
  }
  return part;
}
