// Keys: one press, one action; never while a person types or holds Ctrl, Alt or Meta.

const sheet = document.getElementById("keys-dialog");

/** Bind `actions`, a map from the value of KeyboardEvent.key to a function. */
export function bindKeys(actions) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.repeat || isTyping(event.target)) return;
    if (document.querySelector("dialog[open]")) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const action = key === "?" ? showSheet : actions[key];
    if (!action) return;
    event.preventDefault();
    action(event);
  });
}

function showSheet() {
  sheet.showModal();
}

function isTyping(element) {
  // A slider uses the arrow keys itself, but no letters: those keep their meaning.
  return element.matches?.("input:not([type=range]), textarea, select, [contenteditable]") ?? false;
}

document.getElementById("keys-button").addEventListener("click", showSheet);
