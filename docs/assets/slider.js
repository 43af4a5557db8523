// Turns the pictures of each .slider into two on top of each other, with a line between them that can be moved.
"use strict";

/** Returns a labelled choice of pictures. */
function choiceOf(pictures, label, first, changed) {
  const select = document.createElement("select");
  pictures.forEach((picture, i) => select.add(new Option(picture.dataset.label, i, i === first, i === first)));
  select.addEventListener("change", changed);
  const around = document.createElement("label");
  around.append(label + " ", select);
  return { around, select };
}

function makeSlider(slider) {
  const pictures = [...slider.querySelectorAll("img")];
  const view = document.createElement("div");
  view.className = "slider-view";
  view.style.width = pictures[0].getAttribute("width") + "px";
  view.append(...pictures);

  const left = choiceOf(pictures, "Left:", 1, show);
  const right = choiceOf(pictures, "Right:", pictures.length - 1, show);
  const range = document.createElement("input");
  Object.assign(range, { type: "range", min: 0, max: 100, value: 50, className: "slider-range" });
  range.setAttribute("aria-label", "Where the right picture begins, in per cent of the width");
  range.addEventListener("input", move);

  function move() {
    view.style.setProperty("--at", range.value + "%");
  }
  function show() {
    pictures.forEach((picture, i) => {
      const isRight = i === Number(right.select.value);
      picture.hidden = !isRight && i !== Number(left.select.value);
      picture.classList.toggle("slider-right", isRight && i !== Number(left.select.value));
      picture.loading = "eager";
    });
  }
  function follow(event) {
    if (event.type === "pointermove" && !event.buttons) return;
    const box = view.getBoundingClientRect();
    range.value = (100 * (event.clientX - box.left)) / box.width;
    move();
  }
  view.addEventListener("pointerdown", follow);
  view.addEventListener("pointermove", follow);
  view.addEventListener("dragstart", (event) => event.preventDefault());

  const choices = document.createElement("div");
  choices.className = "slider-choices";
  choices.append(left.around, right.around);
  slider.replaceChildren(choices, view, range);
  range.style.maxWidth = choices.style.maxWidth = view.style.width;
  show();
  move();
}

function makeSliders() {
  document.querySelectorAll(".slider").forEach(makeSlider);
}

if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", makeSliders);
else makeSliders();
