// Refreshes the overview, filters its pools while somebody types, and chooses all dead
// letters of a page. Without it the page works as well: forms and links do the same.
"use strict";
(() => {
  const period = 10_000;
  const parts = ["verdict", "tiles", "pool-list", "letters", "purge", "requests", "exporter"];
  const byId = (id, doc = document) => doc.getElementById(id);

  // The dead letters that are chosen: all at once, and how many.
  const picks = document.querySelector(".picks");
  if (picks) {
    const boxes = [...document.querySelectorAll("input[name=id]")];
    const all = picks.querySelector(".all input"), said = picks.querySelector(".chosen");
    const requeue = picks.querySelector("[data-most]");
    const tell = () => {
      const chosen = boxes.filter((b) => b.checked);
      const requests = new Set(chosen.map((b) => b.dataset.request).filter(Boolean)).size;
      const over = requeue && requests > Number(requeue.dataset.most);
      if (requeue) requeue.disabled = Boolean(over);
      all.checked = chosen.length === boxes.length;
      all.indeterminate = chosen.length > 0 && !all.checked;
      said.textContent = chosen.length ? `${chosen.length} chosen` + (over ? `, of ${requests} requests: too many to be requeued at once` : "") : "";
      said.classList.toggle("warn", Boolean(over));
    };
    all.addEventListener("change", () => {
      for (const b of boxes) b.checked = all.checked;
      tell();
    });
    for (const b of boxes) b.addEventListener("change", tell);
    picks.querySelector(".all").hidden = false;
    window.addEventListener("pageshow", tell); // going back keeps what was chosen
    tell();
  }

  const form = document.querySelector("#pools form");
  if (!document.body.hasAttribute("data-live") || !form) return;

  let latest = 0; // an answer that was overtaken is thrown away
  const load = async (url, only) => {
    const mine = ++latest;
    let text;
    try {
      const answer = await fetch(url, { credentials: "same-origin" });
      if (!answer.ok) throw new Error(String(answer.status));
      text = await answer.text();
    } catch {
      if (!only) byId("verdict")?.classList.add("old");
      return;
    }
    if (mine !== latest) return;
    take(new DOMParser().parseFromString(text, "text/html"), only || parts);
  };

  // take puts the parts of a new page in the place of the old ones. What is being
  // used stays: a menu that is open, a field that has the focus.
  const take = (doc, ids) => {
    const before = byId("h-verdict").textContent;
    for (const id of ids) {
      const old = byId(id), fresh = byId(id, doc);
      if (!old || !fresh || old.innerHTML === fresh.innerHTML) continue;
      const focus = old.contains(document.activeElement) ? document.activeElement : null;
      for (const d of old.querySelectorAll("details[open]")) byId(d.id, doc)?.setAttribute("open", "");
      const scrolled = [...old.querySelectorAll(".wide")].map((e) => [e.scrollLeft, e.scrollTop]);
      old.replaceWith(document.importNode(fresh, true));
      const now = byId(id);
      now.querySelectorAll(".wide").forEach((e, i) => scrolled[i] && e.scrollTo(...scrolled[i]));
      if (focus) [...now.querySelectorAll("a, button, summary, [tabindex]")]
        .find((e) => e.outerHTML === focus.outerHTML)?.focus({ preventScroll: true });
    }
    document.title = doc.title;
    const icon = document.querySelector("link[rel=icon]"), next = doc.querySelector("link[rel=icon]");
    if (icon && next && icon.getAttribute("href") !== next.getAttribute("href")) icon.setAttribute("href", next.getAttribute("href"));
    const after = byId("h-verdict").textContent;
    if (before !== after) byId("news").textContent = doc.title; // only a change is read out
  };

  const auto = byId("auto");
  auto.closest("label").hidden = false;
  try { auto.checked = localStorage.getItem("refresh") !== "off"; } catch { /* no storage: on */ }
  auto.addEventListener("change", () => {
    try { localStorage.setItem("refresh", auto.checked ? "on" : "off"); } catch { /* then not */ }
  });
  const due = () => auto.checked && !document.hidden && load(location.pathname + location.search);
  setInterval(due, period);
  document.addEventListener("visibilitychange", due);

  // The filter: the address follows, so that it can be passed on and read anew.
  let timer;
  const filter = () => {
    const q = new URLSearchParams();
    for (const [k, v] of new FormData(form)) {
      const none = form.elements[k].tagName === "SELECT" ? form.elements[k].options[0].value : "";
      if (v !== none) q.set(k, v);
    }
    const url = location.pathname + (q.size ? "?" + q : "");
    history.replaceState(null, "", url);
    load(url, ["pool-list"]);
  };
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(filter, 200);
  });
  form.addEventListener("submit", (e) => {
    e.preventDefault();
    clearTimeout(timer);
    filter();
  });
  form.querySelector("button").hidden = true;
})();
