// A password that is typed twice: the browser says where the two differ, before anything goes out.

for (const again of document.querySelectorAll("[data-same]")) {
  const first = again.form.elements[again.dataset.same];
  const compare = () => again.setCustomValidity(again.value === first.value ? "" : again.dataset.differs);
  again.addEventListener("input", compare);
  first.addEventListener("input", compare);
}
