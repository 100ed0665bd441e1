"use strict";
const $ = id => document.getElementById(id);
/** What crates/interchange/src/html.rs writes: sizes, activation, precision and weights. */
const model = JSON.parse($("model").textContent);
const { side, hidden, classes } = model, inputs = side * side;

/** Row-major: W1 of inputs × hidden, W2 of hidden × classes. Browsers run on little-endian processors. */
const [W1, b1, W2, b2] = (() => {
  const bytes = Uint8Array.from(atob(model.weights), c => c.charCodeAt(0));
  const all = new (model.precision === "f32" ? Float32Array : Float64Array)(bytes.buffer);
  let end = 0;
  return [inputs * hidden, hidden, hidden * classes, classes].map(count => all.subarray(end, end += count));
})();

// The network.

const activate = { sigmoid: z => 1 / (1 + Math.exp(-z)), relu: z => Math.max(z, 0) }[model.activation];

/** The hidden units' activations and the classes' probabilities for pixels from 0 to 255. */
function predict(pixels) {
  const units = Float64Array.from(b1), probabilities = Float64Array.from(b2);
  for (let i = 0; i < inputs; i++) {
    if (pixels[i] === 0) continue;
    // In single precision for every network, as in the program.
    const x = Math.fround(pixels[i] / 255);
    for (let j = 0; j < hidden; j++) units[j] += x * W1[i * hidden + j];
  }
  for (let j = 0; j < hidden; j++) {
    units[j] = activate(units[j]);
    for (let k = 0; k < classes; k++) probabilities[k] += units[j] * W2[j * classes + k];
  }
  const largest = probabilities.reduce((a, b) => Math.max(a, b));
  const powers = probabilities.map(logit => Math.exp(logit - largest));
  const sum = powers.reduce((a, b) => a + b);
  return { units, probabilities: powers.map(power => power / sum) };
}

// From a drawing to the network's image, in the steps and with the numbers of crates/pictures/src/fit.rs.

const MNIST_BOX = 20, MNIST_SIDE = 28;
const boxSide = side < MNIST_BOX ? side : Math.floor((side * MNIST_BOX + MNIST_SIDE / 2) / MNIST_SIDE);
const centre = side < MNIST_BOX ? side / 2 : Math.floor(side / 2) + 0.5;
/** Ink at the edge of a stroke that is fainter than a tenth does not count as part of the digit's bounds. */
const VISIBLE = 25.5;

/** The bounds of the visible ink in a square plane of `size` pixels a side; `right` and `bottom` are past the end. */
function boundsOf(ink, size) {
  const b = { left: size, top: size, right: 0, bottom: 0 };
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++) {
      if (ink[y * size + x] <= VISIBLE) continue;
      b.left = Math.min(b.left, x);
      b.right = Math.max(b.right, x + 1);
      b.top = Math.min(b.top, y);
      b.bottom = y + 1;
    }
  return b;
}

/** The old cells, of `from`, that new cell `i` of `to` covers, and each one's share of the new cell. */
function covered(i, to, from) {
  const start = i * from, end = (i + 1) * from, cells = [];
  for (let cell = Math.floor(start / to); cell * to < end; cell++)
    cells.push([cell, (Math.min(end, (cell + 1) * to) - Math.max(start, cell * to)) / from]);
  return cells;
}

/** The part of `ink` in `b`, as `width` × `height` means over the area that each covers. */
function resample(ink, size, b, width, height) {
  const values = new Float64Array(width * height);
  const columns = Array.from({ length: width }, (_, x) => covered(x, width, b.right - b.left));
  for (let y = 0; y < height; y++)
    for (const [row, down] of covered(y, height, b.bottom - b.top)) {
      const line = (b.top + row) * size + b.left;
      for (let x = 0; x < width; x++)
        for (const [column, across] of columns[x]) values[y * width + x] += down * across * ink[line + column];
    }
  return values;
}

/** The image of `side` × `side` pixels, 0 for paper to 255 for ink; null without ink. */
function fit(ink, size) {
  const b = boundsOf(ink, size);
  if (b.right === 0) return null;
  const longest = Math.max(b.right - b.left, b.bottom - b.top);
  const scaled = length => Math.max(1, Math.floor((length * boxSide + Math.floor(longest / 2)) / longest));
  const width = scaled(b.right - b.left), height = scaled(b.bottom - b.top);
  const digit = resample(ink, size, b, width, height);
  let mass = 0, x = 0, y = 0;
  digit.forEach((value, i) => {
    mass += value;
    x += value * (i % width + 0.5);
    y += value * (Math.floor(i / width) + 0.5);
  });
  const start = (middle, length) => Math.min(Math.max(Math.round(centre - middle), 0), side - length);
  const left = start(x / mass, width), top = start(y / mass, height);
  const image = new Uint8Array(inputs);
  digit.forEach((value, i) => { image[(top + Math.floor(i / width)) * side + left + i % width] = Math.round(value); });
  return image;
}

// The drawing.

const paper = $("paper"), SIZE = paper.width;
const pen = paper.getContext("2d", { willReadFrequently: true });
pen.lineCap = pen.lineJoin = "round";
/** MNIST's strokes are 2.5 of 20 pixels wide; a digit fills some two thirds of the paper. */
pen.lineWidth = SIZE / 12;

/** Each a list of points. */
let strokes = [];
/** The unfinished ones, by pointer: each finger draws its own. */
const unfinished = new Map();

/** Draws all strokes; returns their ink, from 0 to 255. */
function drawStrokes() {
  pen.clearRect(0, 0, SIZE, SIZE);
  for (const [[x, y], ...rest] of strokes) {
    pen.beginPath();
    pen.moveTo(x, y);
    // A line of no length would leave no dot.
    for (const point of rest.length ? rest : [[x + 0.01, y]]) pen.lineTo(...point);
    pen.stroke();
  }
  const { data } = pen.getImageData(0, 0, SIZE, SIZE), ink = new Uint8Array(SIZE * SIZE);
  for (let i = 0; i < ink.length; i++) ink[i] = data[4 * i + 3];
  return ink;
}

function extend(event) {
  const stroke = unfinished.get(event.pointerId);
  if (!stroke) return;
  const { left, top, width, height } = paper.getBoundingClientRect();
  const steps = event.getCoalescedEvents?.() ?? [];
  for (const { clientX, clientY } of steps.length ? steps : [event])
    stroke.push([(clientX - left) * SIZE / width, (clientY - top) * SIZE / height]);
  redraw();
}

paper.addEventListener("pointerdown", event => {
  if (event.button !== 0) return;
  event.preventDefault();
  paper.setPointerCapture(event.pointerId);
  const stroke = [];
  unfinished.set(event.pointerId, stroke);
  strokes.push(stroke);
  extend(event);
});
paper.addEventListener("pointermove", extend);
for (const end of ["pointerup", "pointercancel"])
  paper.addEventListener(end, event => unfinished.delete(event.pointerId));

function keep(some) {
  strokes = some;
  unfinished.clear();
  redraw();
}
const clear = () => keep([]), undo = () => keep(strokes.slice(0, -1));
$("clear").addEventListener("click", clear);
$("undo").addEventListener("click", undo);
addEventListener("keydown", event => {
  const isUndo = (event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "z";
  if (event.key === "Escape") clear();
  else if (isUndo) undo();
  else return;
  event.preventDefault();
});

// What is shown.

/** The most classes and hidden units shown. */
const BARS = 10, UNITS = 12;

/** The indices of the `count` largest values, the largest first. */
const largestOf = (values, count) => Array.from(values.keys()).sort((a, b) => values[b] - values[a]).slice(0, count);

/** Sets a text only if it is new, so that a screen reader does not repeat it. */
function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Draws a square of pixels, each [red, green, blue, opacity]. */
function drawPixels(canvas, pixels) {
  const context = canvas.getContext("2d"), image = context.createImageData(side, side);
  pixels.forEach((pixel, i) => image.data.set(pixel, 4 * i));
  context.putImageData(image, 0, 0);
}

const filled = (list, count, content) => {
  list.innerHTML = content.repeat(count);
  return [...list.children];
};
const rows = filled($("bars").createTBody(), Math.min(classes, BARS),
  `<tr><th scope="row"></th><td class="bar" aria-hidden="true"><i></i></td><td><data></data></td></tr>`);
const tiles = filled($("units"), Math.min(hidden, UNITS),
  `<li><canvas width="${side}" height="${side}" role="img"></canvas><p></p></li>`);

/** A bar for each class, or the most probable ones; `best` is below 0 if there is no answer. */
function showProbabilities(probabilities, best) {
  const sorted = largestOf(probabilities, BARS);
  rows.forEach((row, i) => {
    const k = classes > BARS ? sorted[i] : i, p = probabilities[k];
    const [name, bar, number] = row.children;
    name.textContent = k;
    bar.firstChild.style.width = `${100 * p}%`;
    number.firstChild.textContent = best < 0 ? "" : `${(100 * p).toFixed(2)}%`;
    number.firstChild.value = p;
    row.className = k === best ? "best" : "";
  });
}

/** Blue where ink turns the unit up, orange where it turns it down: the colours of the style sheet. */
function showUnit(tile, j, activation) {
  const ink = model.light_paper ? -1 : 1;
  const weights = Array.from({ length: inputs }, (_, i) => ink * W1[i * hidden + j]);
  const scale = weights.reduce((a, w) => Math.max(a, Math.abs(w)), 0) || 1;
  const colour = w => [...(w > 0 ? [0x2f, 0x74, 0xd0] : [0xe0, 0x70, 0x1a]), 255 * Math.abs(w) / scale];
  const [canvas, text] = tile.children;
  drawPixels(canvas, weights.map(colour));
  canvas.setAttribute("aria-label", `Weights of unit ${j}`);
  const order = largestOf(W2.subarray(j * classes, (j + 1) * classes), classes);
  text.innerHTML = `unit ${j}: <b>${activation.toPrecision(3)}</b><br>for ${order[0]}, against ${order.at(-1)}`;
}

function show() {
  const image = fit(drawStrokes(), SIZE) ?? new Uint8Array(inputs), isBlank = !image.some(ink => ink > 0);
  const { units, probabilities } = predict(model.light_paper ? image.map(ink => 255 - ink) : image);
  const best = largestOf(probabilities, 1)[0], isSure = probabilities[best] >= model.sure;
  drawPixels($("seen"), Array.from(image, ink => [0, 0, 0, ink]));
  say($("class"), isBlank ? "–" : `${best}`);
  say($("doubt"), isBlank ? "draw something" : isSure ? "" : `not sure: below ${Math.round(100 * model.sure)}%`);
  $("answer").className = isSure || isBlank ? "" : "unsure";
  showProbabilities(isBlank ? probabilities.fill(0) : probabilities, isBlank ? -1 : best);
  const active = largestOf(units, UNITS).filter(j => !isBlank && units[j] > 0);
  tiles.forEach((tile, i) => {
    tile.hidden = i >= active.length;
    if (!tile.hidden) showUnit(tile, active[i], units[active[i]]);
  });
}

let isWaiting = false;
/** Shows the drawing once before the next frame, however many events there are. */
function redraw() {
  if (isWaiting) return;
  isWaiting = true;
  requestAnimationFrame(() => {
    isWaiting = false;
    show();
  });
}
show();
