// Who is signed in, and the way out; and the language, which leads back to where the person is now.

for (const link of document.querySelectorAll("[data-language]")) {
  link.addEventListener("click", () => {
    link.href = `/language/${link.hreflang}?next=${encodeURIComponent(location.pathname + location.search)}`;
  });
}
document.getElementById("sign-out")?.addEventListener("click", async () => {
  await fetch("/api/v1/session", { method: "DELETE" }).catch(() => null);
  location.assign("/sign-in");
});
