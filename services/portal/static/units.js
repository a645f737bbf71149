// The tree shows where one is, within its own frame.
"use strict";
(() => {
  document.addEventListener("DOMContentLoaded", () => {
    const here = document.querySelector(".tree .is-here"), frame = here && here.closest(".tree-card");
    if (frame) frame.scrollTop = here.getBoundingClientRect().top - frame.getBoundingClientRect().top - 60;
  });
})();
