// The treemap: areas are bytes. What holds another future has that one's parts in it.

/** How much wider than high it is, about. */
const RATIO = 2.5;

function treemap(layout, build) {
  const words = "Treemap; the table of values says the same";
  const map = make("div", { class: "map", role: "img", "aria-label": words });
  // Its width is that of the page, so places are in percent.
  fill(map, partsOf(layout, build), { x: 0, y: 0, width: 100, height: 100 }, 0);
  return map;
}

function areas(layout) {
  const sums = new Map();
  for (const part of layout.parts) {
    const key = JSON.stringify(part.of);
    sums.set(key, (sums.get(key) ?? 0) + part.size);
  }
  const found = [...sums].map(([key, size]) => ({ owner: JSON.parse(key), size }));
  return found.sort((one, other) => other.size - one.size);
}

/** What a future's bytes are for, as items of the map: the largest first. */
function partsOf(layout, build) {
  return areas(layout).map(({ owner, size }) => {
    const value = layout.values[owner.value];
    const future = value?.futures.length === 1 ? value.futures[0] : null;
    return {
      size,
      words: title(layout, owner),
      color: color(owner),
      href: future === null ? null : link({ future, at: null }),
      inner: () => (value ? inside(value, build) : []),
    };
  });
}

/**
 * What is in a value, as items of the map, if that is known: the parts of the future that it is, or
 * the futures that are in it.
 */
function inside(value, build) {
  const held = value.futures
    .map((index) => ({ index, layout: group().futures[index][build] }))
    .filter(({ layout }) => layout);
  if (held.length === 1 && held[0].layout.size === value.size) {
    return partsOf(held[0].layout, build);
  }
  const items = held.map(({ index, layout }) => ({
    size: layout.size,
    words: group().futures[index].short,
    color: color({ value: index }),
    href: link({ future: index, at: null }),
    inner: () => partsOf(layout, build),
  }));
  const rest = value.size - sum(items);
  // One of them may be in another one.
  if (!items.length || rest < 0) return [];
  const others = { size: rest, words: "others", color: "#c9ced6", href: null, inner: () => [] };
  return [...items, others].sort((one, other) => other.size - one.size);
}

function fill(map, items, box, depth) {
  for (const { item, box: own } of squarify(items, box)) {
    const { x, y, width, height } = own;
    const words = `${item.words}, ${item.size} bytes`;
    const style =
      `left:${x}%;top:${y}%;width:${width}%;height:${height}%;` +
      (item.color ? `background:${item.color}` : "");
    const kind = item.color ? null : "padding";
    const text = !item.color || width < 4 || height < 6 ? "" : words;
    const attributes = { class: kind, style, title: words, href: item.href };
    map.append(make(item.href ? "a" : "span", attributes, text));
    if (width > 12 && height > 25 && depth < 3) {
      const below = { x: x + 0.6, y: y + 9, width: width - 1.2, height: height - 11 };
      fill(map, item.inner(), below, depth + 1);
    }
  }
}

/**
 * Boxes in `box` for items that are ordered by size, each as square as can be: lines of items are
 * laid along the shorter side of what is left.
 */
function squarify(items, box) {
  const found = [];
  // In the units of the height, as the map is wider than it is high.
  let { x, y, width, height } = { ...box, x: box.x * RATIO, width: box.width * RATIO };
  let rest = items.filter((item) => item.size > 0);
  while (rest.length) {
    const scale = (width * height) / sum(rest);
    const isWide = width >= height;
    const side = isWide ? height : width;
    let count = 1;
    while (count < rest.length && isBetter(rest, count, side, scale)) count += 1;
    const line = rest.slice(0, count);
    const depth = (sum(line) * scale) / side;
    let at = 0;
    for (const item of line) {
      const length = (item.size * scale) / depth;
      const own = isWide
        ? { x, y: y + at, width: depth, height: length }
        : { x: x + at, y, width: length, height: depth };
      found.push({ item, box: { ...own, x: own.x / RATIO, width: own.width / RATIO } });
      at += length;
    }
    if (isWide) {
      x += depth;
      width -= depth;
    } else {
      y += depth;
      height -= depth;
    }
    rest = rest.slice(count);
  }
  return found;
}

function sum(items) {
  return items.reduce((total, item) => total + item.size, 0);
}

/** Whether a line of the first `count` items is no less square with one more. */
function isBetter(items, count, side, scale) {
  const longer = items.slice(0, count + 1);
  return worst(longer, side, scale) <= worst(items.slice(0, count), side, scale);
}

/** How far from square the worst box of a line is. */
function worst(line, side, scale) {
  const depth = (sum(line) * scale) / side;
  const ratios = line.map((item) => (item.size * scale) / (depth * depth));
  return Math.max(...ratios.map((ratio) => Math.max(ratio, 1 / ratio)));
}
