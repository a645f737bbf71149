// Files on their way: an upload that shows how far it is and can be stopped, and a job that is watched.
"use strict";
(() => {
  const one = (what, within = document) => within.querySelector(what);

  const upload = (form, submitter) => {
    const state = one("[data-upload-state]", form), bar = one("progress", state), words = one("[data-upload-said]", state), stop = one("[data-upload-stop]", state);
    const request = new XMLHttpRequest();
    const over = (said) => { words.textContent = said; bar.hidden = stop.hidden = true; delete form.dataset.sent; };
    one(".notice-bad", form)?.remove();
    state.hidden = bar.hidden = stop.hidden = false;
    request.open("POST", form.action);
    request.upload.addEventListener("progress", (event) => {
      const share = event.total ? Math.floor(event.loaded / event.total * 100) : 0;
      bar.value = share;
      words.textContent = share === 100 ? "已上传，正在检查文件…" : `已上传 ${share}%`;
    });
    request.addEventListener("load", () => {
      if (request.responseURL !== form.action) { location.assign(request.responseURL); return; }
      const told = new DOMParser().parseFromString(request.responseText, "text/html");
      const notice = one(".notice-bad", told), key = one("[data-upload] [name=request_key]", told);
      if (!notice || !key) { form.submit(); return; } // another page than ours: have it shown as it is
      one("[name=request_key]", form).value = key.value;
      form.prepend(notice);
      notice.focus();
      over("没有接收，名册没有变动。");
    });
    request.addEventListener("error", () => over("没有上传完：网络不通，或文件在选择后又被改动。请重新选择文件后再上传。"));
    request.addEventListener("abort", () => over("已取消上传，没有提交。"));
    stop.onclick = () => request.abort();
    request.send(new FormData(form, submitter));
  };
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-upload]") || event.defaultPrevented) return;
    event.preventDefault();
    upload(event.target, event.submitter);
  });

  // a job: each sign that it moved has its part asked for anew; what changed in words is told once
  const held = "a[href],button,input,select,textarea,summary,[tabindex]";
  const swap = (place, words) => { // what had the focus, or what stands there for it now, has it again
    const before = document.activeElement === place ? null : place.contains(document.activeElement) && document.activeElement;
    const alike = (each) => each.tagName === before.tagName && each.id === before.id && each.name === before.name && each.textContent === before.textContent;
    place.innerHTML = words;
    window.htmx.process(place);
    if (before) ([...place.querySelectorAll(held)].find(alike) || place).focus({ preventScroll: true });
  };
  const watch = (place) => {
    let said = one("[data-said]", place)?.dataset.said, asked = 0;
    const note = document.createElement("p");
    note.className = "notice notice-soft notice-row"; note.hidden = true; note.setAttribute("role", "status");
    place.before(note);
    const tell = (words) => { note.hidden = !words; if (note.textContent !== words) note.textContent = words; };
    const soon = () => { asked ||= setTimeout(() => { asked = 0; again(); }, 250); }; // however often it is told
    const asking = () => { const box = one("dialog[open]"); if (box) soon(); return box; }; // about what stands here: it stays until that is answered
    const again = async () => {
      if (asking()) return true;
      const answer = await fetch(location.href, { headers: { "HX-Request": "true" } }).catch(() => null);
      if (answer && answer.status === 401) { location.reload(); return false; }
      const words = answer && answer.ok ? await answer.text().catch(() => "") : "";
      tell(words ? "" : "暂时取不到最新进度，稍后自动再试；办理不受影响。");
      if (!words) return true;
      if (asking()) return true;
      swap(place, words);
      const now = one("[data-said]", place)?.dataset.said, told = one("#said");
      if (now && now !== said && told) told.textContent = said = now;
      return true;
    };
    if (place.dataset.watch) {
      const moves = () => one("[data-moving]", place);
      const listen = () => {
        const source = new EventSource(place.dataset.watch);
        source.addEventListener("progress", soon);
        source.addEventListener("error", async () => { // a stream that breaks off comes back by itself, one that was refused does not
          if (source.readyState === EventSource.CLOSED && moves() && await again() && moves()) setTimeout(listen, 15000);
        });
      };
      listen();
      return;
    }
    const every = async () => { if (await again() && one("[data-moving]", place)) setTimeout(every, 2000); };
    if (one("[data-moving]", place)) setTimeout(every, 1500);
  };
  document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("[data-watch], [data-look]").forEach(watch));
})();
