// A list of any length in which only the rows in sight have elements. The elements are made once
// and used again for other rows as one scrolls: no row is built or thrown away, so a frame costs
// the texts that change and little else. Plain DOM, because that is where the time went.

/** Rows beyond the edges, so that a slow frame shows no gap. */
const SPARE = 6;
const SETTLED_MS = 200;
/** After other rows are shown, those beyond the edges have time. */
const SPARE_MS = 60;

export interface Slot {
  element: HTMLElement;
  /** The row that the element shows now, or -1. */
  index: number;
}

export class Rows<S extends Slot> {
  private slots: S[] = [];
  private count = 0;
  private settled: ReturnType<typeof setTimeout> | undefined;
  private spares: ReturnType<typeof setTimeout> | undefined;
  private readonly sizes: ResizeObserver;

  /**
   * `scroller` scrolls `body`, whose rows of `height` begin at its top. `draw` shows the row
   * `slot.index` in `slot.element`, `drop` is told when the slot shows none.
   */
  constructor(
    private readonly scroller: HTMLElement,
    private readonly body: HTMLElement,
    private readonly height: number,
    private readonly make: () => S,
    private readonly draw: (slot: S) => void,
    private readonly drop: (slot: S) => void,
  ) {
    scroller.addEventListener('scroll', this.place, { passive: true });
    this.sizes = new ResizeObserver(() => this.place());
    this.sizes.observe(scroller);
  }

  destroy() {
    this.scroller.removeEventListener('scroll', this.place);
    this.sizes.disconnect();
    clearTimeout(this.settled);
    clearTimeout(this.spares);
    for (const slot of this.slots) this.discard(slot);
    this.slots = [];
  }

  /** Shows so many rows. All in sight are drawn again, unless they are the `same` as before. */
  show(count: number, same = false) {
    this.count = count;
    this.body.style.height = `${count * this.height}px`;
    if (same || this.slots.length === 0) return this.place();
    for (const slot of this.slots) slot.index = -1;
    // What is in sight is an answer that somebody waits for; the rest of it comes after the frame.
    this.placeRows(0);
    clearTimeout(this.spares);
    this.spares = setTimeout(this.place, SPARE_MS);
  }

  /** Calls `work` with all that show a row. */
  each(work: (slot: S) => void) {
    for (const slot of this.slots) if (slot.index >= 0) work(slot);
  }

  /** Makes all elements anew: the rows look different from now on. */
  rebuild() {
    for (const slot of this.slots) this.discard(slot);
    this.slots = [];
    this.place();
  }

  isInSight(index: number): boolean {
    return this.slots.some((slot) => slot.index === index);
  }

  /** Scrolls as far as is needed to see the row; `above` hides so much of the scroller's top. */
  reveal(index: number, above = 0) {
    const top = index * this.height;
    const { scrollTop, clientHeight } = this.scroller;
    if (top < scrollTop) this.scroller.scrollTop = top;
    else if (top + this.height + above > scrollTop + clientHeight) this.scroller.scrollTop = top + this.height + above - clientHeight;
    this.place();
  }

  private place = () => this.placeRows(SPARE);

  // Shows what is in sight and `spare` rows around it. What lies beyond these keeps its element.
  private placeRows(spare: number) {
    const { scrollTop, clientHeight } = this.scroller;
    const wanted = Math.min(this.count, Math.ceil(clientHeight / this.height) + 2 * SPARE);
    if (this.slots.length < wanted) this.grow(wanted);
    const size = this.slots.length;
    if (size === 0) return;
    const seen = Math.floor(scrollTop / this.height);
    const first = Math.max(0, Math.min(seen - SPARE, this.count - wanted));
    const last = seen + Math.ceil(clientHeight / this.height) + spare;
    let moved = false;
    for (let index = first; index < first + size; index++) {
      const slot = this.slots[index % size]!;
      if (slot.index === index && index < this.count) continue;
      if (index >= this.count) {
        moved = true;
        slot.index = -1;
        this.hide(slot);
        continue;
      }
      if (spare < SPARE && (index < seen - spare || index > last)) continue;
      moved = true;
      slot.index = index;
      if (!slot.element.isConnected) this.body.append(slot.element);
      slot.element.style.transform = `translateY(${index * this.height}px)`;
      this.draw(slot);
    }
    if (!moved) return;
    clearTimeout(this.settled);
    this.settled = setTimeout(this.sort, SETTLED_MS);
  }

  // Which row an element stands for depends on how many there are.
  private grow(size: number) {
    for (const slot of this.slots) slot.index = -1;
    while (this.slots.length < size) {
      const slot = this.make();
      slot.index = -1;
      this.slots.push(slot);
    }
  }

  // For who reads the page aloud the elements stand in the order of the rows.
  private sort = () => {
    if (this.body.contains(document.activeElement)) return;
    const order = this.slots.filter((slot) => slot.index >= 0).sort((a, b) => a.index - b.index);
    let before: Element | null = null;
    for (const slot of order) {
      const next: Element | null = before ? before.nextElementSibling : this.body.firstElementChild;
      if (next !== slot.element) this.body.insertBefore(slot.element, next);
      before = slot.element;
    }
  };

  private hide(slot: S) {
    if (!slot.element.isConnected) return;
    this.drop(slot);
    slot.element.remove();
  }

  private discard(slot: S) {
    this.drop(slot);
    slot.element.remove();
  }
}
