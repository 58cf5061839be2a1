// How the cells of a grid look. Elements are made once for each column; what they show is set as
// text and attributes, and only if it has changed.
import { iconElement, setIcon, type IconName } from './Icon';

export type Look = 'text' | 'name' | 'link' | 'status' | 'bar';

export interface Cell {
  text: string;
  /** Where a name or link leads. */
  href?: string;
  icon?: IconName;
  /** A small mark on the icon. */
  mark?: string;
  /** Of a status: the class that colours its dot. */
  status?: string;
  /** Of a bar: from 0 to 1. Amber above 75 %, red above 90 %. */
  share?: number;
}

export interface CellView {
  element: HTMLElement;
  set(cell: Cell): void;
}

function element<K extends keyof HTMLElementTagNameMap>(tag: K, className = ''): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  if (className) made.className = className;
  return made;
}

// A text that knows what it shows: asking the document would cost more.
function text(parent: HTMLElement): (value: string) => void {
  const node = document.createTextNode('');
  parent.append(node);
  let now = '';
  return (value) => {
    if (value !== now) node.data = now = value;
  };
}

function anchor(className: string): HTMLAnchorElement {
  const made = element('a', className);
  made.tabIndex = -1;
  made.draggable = false;
  return made;
}

const LOOKS: Record<Look, (box: HTMLElement) => (cell: Cell) => void> = {
  text: (box) => {
    const set = text(box);
    return (cell) => set(cell.text);
  },
  name: (box) => {
    const link = anchor('name');
    const icon = iconElement();
    const label = element('span');
    const set = text(label);
    link.append(icon, label);
    box.append(link);
    return (cell) => {
      link.href = cell.href ?? '';
      setIcon(icon, cell.icon ?? 'file', cell.mark);
      set(cell.text);
    };
  },
  link: (box) => {
    const link = anchor('');
    const set = text(link);
    box.append(link);
    let now = '';
    return (cell) => {
      if (cell.href !== now) link.href = now = cell.href ?? '';
      set(cell.text);
    };
  },
  status: (box) => {
    const dot = element('span');
    const set = text(dot);
    box.append(dot);
    let now = '';
    return (cell) => {
      if (cell.status !== now) dot.className = `status status-${(now = cell.status ?? '')}`;
      set(cell.text);
    };
  },
  bar: (box) => {
    const bar = element('span', 'bar');
    const track = element('span', 'bar-track');
    const fill = element('span');
    const label = element('span');
    const set = text(label);
    track.append(fill);
    bar.append(track, label);
    box.append(bar);
    return ({ share = 0, text: value }) => {
      fill.className = `bar-fill meter-${share > 0.9 ? 'high' : share > 0.75 ? 'raised' : 'normal'}`;
      fill.style.width = `${Math.min(100, share * 100)}%`;
      set(value);
    };
  },
};

export function cellView(look: Look, right: boolean): CellView {
  const box = element('div', right ? 'right' : '');
  box.setAttribute('role', 'gridcell');
  return { element: box, set: LOOKS[look](box) };
}
