// Who is signed in, and the way out; and the language, which leads back to where the person is now.

for (const link of document.querySelectorAll("[data-language]")) {
  link.addEventListener("click", () => {
    link.href = `/language/${link.hreflang}?next=${encodeURIComponent(location.pathname + location.search)}`;
  });
}
document.getElementById("sign-out")?.addEventListener("click", async () => {
  const answer = await fetch("/api/v1/session", { method: "DELETE" }).catch(() => null);
  // 200: the session began at a provider of single sign-on, which is to be signed out of too.
  location.assign(answer?.status === 200 ? (await answer.json()).continue_at : "/sign-in");
});
