// The wall: one canvas made as large as the screen, a slide after the other, figures anew when a light turns.
"use strict";
(() => {
  const canvas = document.getElementById("canvas"), slides = document.getElementById("slides"), pause = document.getElementById("pause");
  const names = [...document.querySelectorAll("[data-slide]")].map((each) => each.dataset.slide);
  let at = Math.max(0, names.indexOf(location.hash.slice(1))), paused = false, asked = 0, on = null, source = null;

  const fit = () => {
    const scale = Math.min(innerWidth / 1920, innerHeight / 1080);
    canvas.style.transform = `translate(${(innerWidth - 1920 * scale) / 2}px, ${(innerHeight - 1080 * scale) / 2}px) scale(${scale})`;
  };
  const show = () => {
    document.querySelectorAll(".slide").forEach((each) => each.classList.toggle("is-shown", each.id === names[at]));
    document.querySelectorAll("[data-slide]").forEach((each) => { each.classList.toggle("is-here", each.dataset.slide === names[at]); each.toggleAttribute("aria-current", each.dataset.slide === names[at]); });
  };
  const hold = (yes) => {
    paused = yes;
    pause.setAttribute("aria-pressed", String(yes));
    pause.querySelector("[data-pause]").hidden = yes;
    pause.querySelector("[data-play]").hidden = !yes;
  };
  const line = () => {
    const place = document.getElementById("line");
    if (!place || on === null) return;
    place.textContent = on ? place.dataset.on : place.dataset.off;
    place.classList.toggle("is-off", !on);
  };
  const turn = (step) => { at = (at + step + names.length) % names.length; show(); };
  const listen = () => {
    const here = source = new EventSource("/wall/changes");
    here.addEventListener("open", () => { on = true; line(); });
    here.addEventListener("error", () => {
      if (here !== source) return;
      on = false;
      line();
      if (here.readyState === EventSource.CLOSED) setTimeout(() => { if (here === source) listen(); }, 15000);
    });
    here.addEventListener("light", () => { clearTimeout(asked); asked = setTimeout(() => window.htmx.trigger(slides, "wall-changed"), 1500); });
  };

  document.addEventListener("DOMContentLoaded", () => {
    document.documentElement.classList.add("is-scaled");
    pause.hidden = false;
    fit();
    show();
    listen();
    hold(matchMedia("(prefers-reduced-motion: reduce)").matches);
    setInterval(() => { if (!paused) turn(1); }, Number(canvas.dataset.every) * 1000);
  });
  addEventListener("resize", fit);
  document.addEventListener("visibilitychange", () => { // in the background it holds no connection
    if (document.hidden) { source.close(); source = null; } else if (!source) { listen(); window.htmx.trigger(slides, "wall-changed"); }
  });
  pause.addEventListener("click", () => hold(!paused));
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-slide]");
    if (!link) return;
    event.preventDefault();
    at = names.indexOf(link.dataset.slide);
    hold(true);
    show();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "ArrowRight") turn(1);
    if (event.key === "ArrowLeft") turn(-1);
    if (event.key === " " && event.target === document.body) { event.preventDefault(); hold(!paused); }
  });
  document.addEventListener("htmx:afterSwap", () => { show(); line(); });
})();
