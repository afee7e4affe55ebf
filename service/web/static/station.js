// The page's only talk with the service.

/** A decision of whoever is signed in. Throws an Error whose message a person can read. */
export async function postDisposition(id, decision) {
  const answer = await fetch(`/api/v1/inspections/${id}/dispositions`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ decision }),
  }).catch(() => null);
  if (!answer) throw new Error("The service does not answer: the decision is not stored. Try again.");
  if (!answer.ok) throw new Error(await problemOf(answer));
  return answer.json();
}

/** The part's <main> element, as the service knows it now. */
export async function fetchPart(id) {
  const answer = await fetch(`/review/${id}/part`, { headers: { Accept: "application/json" } }).catch(() => null);
  if (!answer) throw new Error("The service does not answer. Try again.");
  if (!answer.ok) throw new Error(await problemOf(answer));
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  return document.adoptNode(page.querySelector("main"));
}

/** What is stored, in counts; null where the service does not answer. */
export async function fetchSummary() {
  const answer = await fetch("/api/v1/summary").catch(() => null);
  return answer?.ok ? answer.json() : null;
}

/** A refusal in words a person can read. */
export async function problemOf(answer) {
  const problem = await answer.json().catch(() => null);
  return problem ? `${problem.detail}: ${problem.remedy}.` : `The service answered ${answer.status}.`;
}
