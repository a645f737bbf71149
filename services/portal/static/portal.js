// What pages gain by a script: keys, drafts, focus after swaps, a question before what cannot be undone. Without it everything can be read and sent.
"use strict";
(() => {
  const one = (what, within = document) => within.querySelector(what);
  const all = (what, within = document) => [...within.querySelectorAll(what)];
  const say = (words) => { const place = one("#said"); if (place) { place.textContent = ""; setTimeout(() => { place.textContent = words; }, 50); } };

  // keys: j k x a r / ?; Enter is the link's own
  let at = null;
  const rows = () => all("[data-row]").filter((row) => row.offsetParent !== null);
  const go = (step) => {
    const list = rows();
    if (!list.length) return;
    const place = Math.min(Math.max(list.indexOf(at) + step, 0), list.length - 1);
    if (at) at.classList.remove("is-at");
    at = list[place];
    at.classList.add("is-at");
    const aim = at.matches("button,a") ? at : one("a.row-link", at) || one("a", at);
    if (aim) aim.focus({ preventScroll: true });
    at.scrollIntoView({ block: "nearest" });
  };
  const aim = (place) => {
    if (!place) return;
    if (place.tagName === "DETAILS") { place.open = true; place = one("input:not([type=hidden]),button:enabled,select,textarea", one(".more-body", place)) || place; }
    place.focus();
    place.scrollIntoView({ block: "nearest" });
  };
  const keys = {
    j: () => go(1),
    k: () => go(-1),
    x: () => { const box = at && one("input[type=checkbox]", at); if (box) box.click(); },
    a: () => { if (!one("[data-key=a]") && at && !one("input[name=chosen]:checked")) keys.x(); aim(one("[data-key=a]") || one("[data-batch] button[type=submit]:enabled")); },
    r: () => { const link = at && one("a.row-link", at); if (one("[data-key=r]")) aim(one("[data-key=r]")); else if (link) location.assign(`${link.href}#return`); },
    "/": () => aim(one("[data-find]")),
    "?": () => { const table = one("#keys"); if (table && !table.open) table.showModal(); },
  };
  document.addEventListener("click", (event) => { if (event.target.closest("[data-keys]")) keys["?"](); });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.key === "Enter" && event.target.matches("form[method=post] :is(input[type=checkbox],input[type=radio])")) { event.preventDefault(); return; } // it would press the form's first button
    if (event.target.matches("input:not([type=checkbox]),textarea,select,[contenteditable]")) { if (event.key === "Escape") { event.preventDefault(); event.target.blur(); } return; }
    if (one("dialog[open]")) return;
    const act = keys[event.key];
    if (act) { event.preventDefault(); act(); }
  });

  // several at once
  const count = (form) => {
    const boxes = all("input[name=chosen]", form), chosen = boxes.filter((box) => box.checked).length;
    const words = one("[data-count]", form), every = one("[data-all]", form);
    if (words) words.textContent = chosen ? `已选 ${chosen} 件` : "";
    if (every) { every.checked = boxes.length > 0 && chosen === boxes.length; every.indeterminate = chosen > 0 && chosen < boxes.length; }
  };
  document.addEventListener("change", (event) => {
    const form = event.target.closest("[data-batch]");
    if (!form) return;
    if (event.target.matches("[data-all]")) all("input[name=chosen]", form).forEach((box) => { box.checked = event.target.checked; });
    count(form);
  });

  // drafts stay in this browser until they were sent or a fortnight is over, sealed: the key is told to their writer's sessions only
  const mine = `draft:${document.body.dataset.user || ""}:`, fortnight = 14 * 24 * 3600 * 1000;
  const kept = (form) => mine + form.dataset.draft;
  const fields = (form) => all("input,textarea,select", form).filter((each) => each.name && !["hidden", "password", "file", "submit"].includes(each.type) && !each.dataset.unkept);
  const hex = (document.body.dataset.sealsWith || "").replaceAll("-", "").match(/../g), alphabet = new TextEncoder();
  const secret = hex && window.crypto.subtle ? crypto.subtle.importKey("raw", Uint8Array.from(hex, (each) => parseInt(each, 16)), "AES-GCM", false, ["encrypt", "decrypt"]) : null;
  const sealed = async (words) => {
    const iv = crypto.getRandomValues(new Uint8Array(12)), closed = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, await secret, alphabet.encode(words));
    return btoa([...iv, ...new Uint8Array(closed)].map((each) => String.fromCharCode(each)).join(""));
  };
  const unsealed = async (text) => {
    const bytes = Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
    return new TextDecoder().decode(await crypto.subtle.decrypt({ name: "AES-GCM", iv: bytes.slice(0, 12) }, await secret, bytes.slice(12)));
  };
  let writing = Promise.resolve(); // one after the other, so that the last that was typed is what stays
  const keep = (form) => {
    if (!secret) { const place = one("[data-draft-said]", form); if (place) place.textContent = "不能自动保存：浏览器只在 HTTPS 地址上加密草稿"; return; }
    const words = JSON.stringify(fields(form).map((each) => [each.name, each.value, each.checked === true]));
    const write = async () => { localStorage.setItem(kept(form), JSON.stringify({ at: Date.now(), sealed: await sealed(words) })); tell(form, "已自动保存"); };
    writing = writing.then(write).catch(() => tell(form, "未能自动保存"));
  };
  const tell = (form, words) => { const place = one("[data-draft-said]", form), drop = one("[data-draft-drop]", form); if (place && place.textContent !== words) place.textContent = words; if (drop) drop.hidden = false; };
  const old = () => Object.keys(localStorage).filter((key) => key.startsWith("draft:")).forEach((key) => { const { at, sealed: words } = JSON.parse(localStorage.getItem(key)); if (!words || !(at > Date.now() - fortnight)) localStorage.removeItem(key); });
  const restore = async (form) => {
    const text = localStorage.getItem(kept(form));
    if (!text || !secret || form.dataset.given === "true") return;
    const words = await unsealed(JSON.parse(text).sealed).catch(() => "");
    if (!words) { localStorage.removeItem(kept(form)); return; }
    const left = JSON.parse(words), boxed = (each) => ["checkbox", "radio"].includes(each.type);
    let elsewhere = false;
    fields(form).forEach((each) => { // by name, a box by its value too: the form may ask for more or less than it did
      const place = left.findIndex(([name, value]) => name === each.name && (!boxed(each) || value === each.value));
      if (place < 0) return;
      const [[name, value, checked]] = left.splice(place, 1);
      if (boxed(each)) { each.checked = checked; return; }
      const before = each.value;
      each.value = value;
      elsewhere ||= before !== value && each.value === value && (form.dataset.looks || "").split(" ").includes(name);
    });
    tell(form, "已恢复上次未提交的内容");
    const look = one("button[value=look]", form);
    if (elsewhere && look) form.requestSubmit(look); // what may be chosen is another unit's
  };
  document.addEventListener("click", (event) => {
    const drop = event.target.closest("[data-draft-drop]");
    if (!drop) return;
    const form = drop.closest("form");
    writing.then(() => { localStorage.removeItem(kept(form)); location.assign(drop.dataset.draftDrop || form.action); });
  });
  document.addEventListener("input", (event) => { const form = event.target.closest("form[data-draft]"); if (form) keep(form); });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.submitter && event.submitter.formTarget) return;
    if (form.dataset.draft) sessionStorage.setItem("sent", kept(form));
    if (form.action.endsWith("/sign-out")) { sessionStorage.clear(); }
    if (form.dataset.confirm && !form.dataset.sure) {
      event.preventDefault();
      ask(form.dataset.confirm, () => { form.dataset.sure = "true"; form.requestSubmit(event.submitter); });
      return;
    }
    if (form.dataset.sent) { event.preventDefault(); return; }
    if (form.method === "post") { form.dataset.sent = "true"; setTimeout(() => { delete form.dataset.sent; }, 4000); }
  });
  const ask = (words, then) => {
    const box = document.createElement("dialog"), text = document.createElement("p"), yes = document.createElement("button"), no = document.createElement("button"), row = document.createElement("div");
    box.className = "keys"; text.textContent = words; row.className = "state-more";
    yes.className = "btn btn-primary"; yes.textContent = "确定"; no.className = "btn"; no.textContent = "取消";
    yes.addEventListener("click", () => { box.close(); then(); });
    no.addEventListener("click", () => box.close());
    box.addEventListener("close", () => box.remove());
    row.append(yes, no); box.append(text, row); document.body.append(box); box.showModal(); no.focus();
  };

  // charts: the server says what to draw as JSON; nothing of it is run
  const draw = () => all("[data-chart]").forEach((place) => {
    const source = document.getElementById(place.dataset.chart);
    if (!source || !window.echarts || window.echarts.getInstanceByDom(place)) return;
    const chart = window.echarts.init(place, null, { renderer: "svg" });
    const options = JSON.parse(source.textContent);
    options.animation = false;
    options.textStyle = Object.assign({ fontFamily: getComputedStyle(document.body).fontFamily }, options.textStyle);
    if (options.tooltip) options.tooltip.renderMode = "richText"; // the other kind writes style attributes
    chart.setOption(options);
    new ResizeObserver(() => chart.resize()).observe(place);
  });

  const ready = () => {
    if (one("[data-done]")) {
      if (sessionStorage.getItem("sent")) localStorage.removeItem(sessionStorage.getItem("sent"));
      const here = new URL(location.href);
      here.searchParams.delete("done"); // told once: a page read again, or kept, says what holds then
      history.replaceState(history.state, "", here);
    }
    if (document.body.dataset.user && !one("[data-resumes]")) sessionStorage.removeItem("sent"); // until it is known what became of it
    old();
    all("form[data-draft]").forEach(restore);
    all("[data-print]").forEach((button) => { button.hidden = false; button.addEventListener("click", () => window.print()); });
    all("[data-batch]").forEach(count);
    const current = one(".chain-current, .chain-paused");
    if (current) { const strip = current.closest("figure"); strip.scrollLeft += current.getBoundingClientRect().left - strip.getBoundingClientRect().left - 16; }
    all(".tabs .is-here").forEach((tab) => { const strip = tab.closest("ul"); strip.scrollLeft += tab.getBoundingClientRect().left - strip.getBoundingClientRect().left - 16; });
    const told = one("[data-focus]");
    if (told) told.focus();
    if (location.hash === "#return") keys.r();
    draw();
  };
  document.addEventListener("DOMContentLoaded", ready);
  document.addEventListener("click", (event) => all("details.menu[open]").forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; }));
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") all("details.menu[open]").forEach((menu) => { menu.open = false; one("summary", menu).focus(); }); });

  // on paper everything is unfolded, and charts fit the sheet
  const folded = () => all("main details:not([open])");
  let opened = [];
  window.addEventListener("beforeprint", () => {
    opened = folded();
    opened.forEach((each) => { each.open = true; });
    all("[data-chart] svg:not([viewBox])").forEach((each) => each.setAttribute("viewBox", `0 0 ${each.getAttribute("width")} ${each.getAttribute("height")}`));
  });
  window.addEventListener("afterprint", () => { opened.forEach((each) => { each.open = false; }); opened = []; });

  // Enter changes a field and submits, and the pause after typing is over a moment later: one list comes, so that nobody loses the row he is at
  const asked = new WeakMap();
  document.addEventListener("htmx:beforeRequest", (event) => {
    const { elt, triggeringEvent: cause } = event.detail.requestConfig;
    if (!elt.matches("form.filters") || !cause) return;
    const words = new URLSearchParams(new FormData(elt)).toString(), before = asked.get(elt) || {};
    if (words === before.words && (cause.type !== "submit" || cause.timeStamp - before.at < 100)) event.preventDefault();
    else asked.set(elt, { words, at: cause.timeStamp });
  });

  // a list that is refused says so in its place
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target.id === "list" && [404, 409, 422].includes(event.detail.xhr.status)) { event.detail.shouldSwap = true; event.detail.isError = false; }
  });
  // after a swap the focus stays in the list that was asked for, and its size is told
  document.addEventListener("htmx:afterSwap", (event) => {
    at = null;
    const place = event.detail.target, asked = event.detail.requestConfig.elt;
    if (asked && asked.tagName === "A") place.focus({ preventScroll: true });
    const words = one("[data-said]", place);
    say(words ? words.dataset.said : place.id === "list" ? "没有符合条件的内容" : "");
    all("[data-batch]", place).forEach(count);
    draw();
  });
  // what leads from a list to its file is narrowed as the list now is
  document.addEventListener("htmx:pushedIntoHistory", () => all("a[data-by]").forEach((link) => {
    const here = new URLSearchParams(location.search), to = new URL(link.href);
    link.dataset.by.split(" ").forEach((pair) => {
      const [name, from, otherwise] = pair.split(/[=:]/), value = here.get(from) || otherwise;
      if (value) to.searchParams.set(name, value); else to.searchParams.delete(name);
    });
    link.setAttribute("href", to.pathname + to.search);
  }));
  document.addEventListener("htmx:responseError", () => say("没有取到，请稍后再试"));
  document.addEventListener("htmx:sendError", () => say("网络不通，请稍后再试"));
})();
