// Lights as they turn: told in words, and their rows drawn anew. Nothing else of the page moves; without this, a reload shows the same.
"use strict";
(() => {
  const line = document.getElementById("line"), told = document.getElementById("turned"), list = document.getElementById("list");
  const MOST_ROWS = 20, UNTOUCHED = 14 * 60 * 1000, AGAIN = 15000, MOST_TRIES = 4;
  const waiting = new Set();
  let last = line.dataset.since, touched = Date.now(), timer = 0, tries = 0, resting = false, source = null;

  const state = (words, look = "") => { line.textContent = words; line.className = `live-line small ${look}`; };
  const close = () => { if (source) source.close(); source = null; };
  const listen = () => {
    close();
    resting = false;
    const here = source = new EventSource(`${line.dataset.liveUrl}?since=${last}`);
    here.addEventListener("open", () => { tries = 0; state("实时更新", "is-on"); });
    here.addEventListener("light", (event) => { last = event.lastEventId || last; seen(JSON.parse(event.data)); });
    here.addEventListener("error", () => {
      if (here !== source) return;
      if (Date.now() - touched > UNTOUCHED) { close(); resting = true; state("长时间无操作，已停止更新；操作后恢复", "is-off"); return; }
      state("连接中断，正在重连", "is-off");
      if (here.readyState !== EventSource.CLOSED) return;
      tries += 1;
      if (tries < MOST_TRIES) setTimeout(() => { if (here === source) listen(); }, AGAIN); else state("已停止更新，请刷新页面", "is-off");
    });
  };
  const seen = (change) => {
    const entry = document.createElement("p"), name = document.createElement("a"), words = document.createElement("span");
    name.href = `/lights/${change.unit_id}`;
    name.textContent = change.unit;
    words.textContent = `转为${change.label}（${new Date(change.since).toLocaleString("zh-CN", { timeZone: "Asia/Shanghai", hour: "2-digit", minute: "2-digit" })}）${change.matters.length ? `：${change.matters[0]}` : ""}`;
    entry.append(name, words);
    told.replaceChildren(entry); // one line: nothing below it moves
    waiting.add(change.unit_id);
    clearTimeout(timer);
    timer = setTimeout(refresh, 400);
  };
  const refresh = () => {
    const units = [...waiting];
    waiting.clear();
    if (units.length > MOST_ROWS) window.htmx.ajax("GET", location.pathname + location.search, "#list"); else units.forEach(draw);
  };
  const draw = async (unit) => {
    const answer = await fetch(`/lights/rows/${unit}${location.search}`, { headers: { "HX-Request": "true" } });
    if (!answer.ok) return;
    const found = new DOMParser().parseFromString(await answer.text(), "text/html");
    found.querySelectorAll("[data-live]").forEach((each) => { const place = document.getElementById(each.id); if (place) place.replaceWith(each); });
    put(found.querySelector("tr"));
  };
  const put = (row) => {
    const rows = document.getElementById("rows"), old = row && document.getElementById(row.id), fits = row && row.dataset.fits === "yes";
    if (!row || !rows || (!old && !fits)) return;
    const focused = old && old.contains(document.activeElement);
    row.classList.add(fits ? "is-new" : "is-outside");
    if (old) old.replaceWith(row); else rows.prepend(row);
    if (focused) row.querySelector("a").focus({ preventScroll: true });
    setTimeout(() => row.classList.remove("is-new"), 8000);
  };

  document.addEventListener("DOMContentLoaded", () => { if (!document.hidden) listen(); });
  document.addEventListener("visibilitychange", () => { // a browser has six connections to a house: tabs in the background hold none
    if (document.hidden) { close(); state("离开本页时暂停更新"); } else if (!resting) listen();
  });
  ["pointerdown", "keydown", "wheel"].forEach((kind) => addEventListener(kind, () => { touched = Date.now(); if (resting) listen(); }, { passive: true }));
  list.addEventListener("htmx:afterSwap", () => waiting.clear());
})();
