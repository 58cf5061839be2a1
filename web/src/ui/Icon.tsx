// Line icons, 16 by 16, drawn here so that nothing is loaded for them.
const PATHS = {
  vm: 'M2 3.5h12v7.5H2zM6 13.5h4M8 11v2.5',
  template: 'M4.5 1.5h9v9h-9zM2.5 4.5v9h9',
  host: 'M2.5 2.5h11v4.5h-11zM2.5 9h11v4.5h-11zM11 4.75h.01M11 11.25h.01',
  cluster: 'M1.5 2.5h6v4h-6zM8.5 9.5h6v4h-6zM4.5 6.5v5h4M7.5 4.5h4v5',
  datacenter: 'M2.5 14V4L8 1.5 13.5 4v10zM6 14v-3.5h4V14M5.5 6h1M9.5 6h1M5.5 8.2h1M9.5 8.2h1',
  folder: 'M1.5 3.5h4.5l1.5 2h7v7.5h-13z',
  pool: 'M8 2a6 6 0 1 0 6 6H8zM10.5 1.8A6 6 0 0 1 14.2 5.5h-3.7z',
  datastore: 'M2.5 4c0-1.4 2.5-2.2 5.5-2.2s5.5.8 5.5 2.2v8c0 1.4-2.5 2.2-5.5 2.2s-5.5-.8-5.5-2.2zM2.5 4c0 1.4 2.5 2.2 5.5 2.2s5.5-.8 5.5-2.2M2.5 8c0 1.4 2.5 2.2 5.5 2.2s5.5-.8 5.5-2.2',
  network: 'M6 1.5h4v3.5H6zM1.5 11h4v3.5h-4zM10.5 11h4v3.5h-4zM8 5v3M3.5 11V8h9v3',
  center: 'M8 1.5 14 5v6l-6 3.5L2 11V5zM8 8l6-3M8 8v6.5M8 8 2 5',
  search: 'M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM10.3 10.3 14 14',
  right: 'M6 3.5 10.5 8 6 12.5',
  down: 'M3.5 6 8 10.5 12.5 6',
  up: 'M3.5 10 8 5.5l4.5 4.5',
  close: 'M3.5 3.5l9 9M12.5 3.5l-9 9',
  more: 'M3 8h.01M8 8h.01M13 8h.01',
  play: 'M4.5 2.5v11l8.5-5.5z',
  stop: 'M3.5 3.5h9v9h-9z',
  pause: 'M5 3v10M11 3v10',
  reset: 'M13 8a5 5 0 1 1-1.6-3.7M13.3 1.8v3h-3',
  console: 'M1.5 2.5h13v11h-13zM4 6l2.5 2L4 10M8 10.5h4',
  edit: 'M2.5 13.5V11l8-8L13 5.5l-8 8zM9 4.5 11.5 7',
  trash: 'M2.5 4h11M6 4V2.2h4V4M4 4l.7 10h6.6L12 4M6.7 6.5v5M9.3 6.5v5',
  plus: 'M8 2.5v11M2.5 8h11',
  move: 'M2 8h11M9.5 4.5 13 8l-3.5 3.5',
  upload: 'M8 11V2.5M4.5 6 8 2.5 11.5 6M2.5 11v2.5h11V11',
  download: 'M8 2.5V11M4.5 7.5 8 11l3.5-3.5M2.5 11v2.5h11V11',
  wrench: 'M13.5 4.5a3.5 3.5 0 0 1-4.7 4.2l-4.5 4.5-1.8-1.8L7 6.9A3.5 3.5 0 0 1 11.3 2.3L9.3 4.3l.6 1.8 1.8.6z',
  user: 'M8 8a2.8 2.8 0 1 0 0-5.6A2.8 2.8 0 0 0 8 8zM2.5 14c.5-3 2.5-4.3 5.5-4.3s5 1.3 5.5 4.3',
  sun: 'M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1 1M12 12l1 1M13 3l-1 1M4 12l-1 1',
  moon: 'M13.5 9.5A6 6 0 0 1 6.5 2.5a6 6 0 1 0 7 7z',
  check: 'M2.5 8.5 6 12l7.5-8',
  warning: 'M8 2 14.5 13.5h-13zM8 6.5v3M8 11.5h.01',
  info: 'M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8zM8 7.2v4M8 4.8h.01',
  disc: 'M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8zM8 6.5a1.5 1.5 0 1 0 0 3 1.5 1.5 0 0 0 0-3z',
  file: 'M3.5 1.5h6L12.5 4.5v10h-9zM9.5 1.5v3h3',
  chart: 'M2 2v12h12M4.5 10.5 7.5 7l2.5 2 3.5-4.5',
  key: 'M5.5 8a2.8 2.8 0 1 0 0 5.6A2.8 2.8 0 0 0 5.5 8zM7.5 8.5 13.5 2.5M11 5l2 2',
  star: 'M8 1.8l1.9 4 4.3.5-3.2 3 .9 4.3L8 11.5l-3.9 2.1.9-4.3-3.2-3 4.3-.5z',
  list: 'M2.5 4h11M2.5 8h11M2.5 12h11',
} as const;

export type IconName = keyof typeof PATHS;

const SVG = 'http://www.w3.org/2000/svg';

/** The same as an element, for rows that React does not draw. */
export function iconElement(): HTMLElement {
  const box = document.createElement('span');
  box.className = 'icon';
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 16 16');
  svg.setAttribute('aria-hidden', 'true');
  svg.append(document.createElementNS(SVG, 'path'));
  box.append(svg);
  return box;
}

const shown = new WeakMap<HTMLElement, string>();

/** Changes what an element of iconElement() shows, if that is something else. */
export function setIcon(box: HTMLElement, name: IconName, mark?: string) {
  const state = `${name} ${mark ?? ''}`;
  if (shown.get(box) === state) return;
  shown.set(box, state);
  box.className = mark ? `icon icon-${mark}` : 'icon';
  box.firstElementChild!.firstElementChild!.setAttribute('d', PATHS[name]);
}

export function Icon({ name, mark, title }: { name: IconName; mark?: string; title?: string }) {
  return (
    <span className={`icon${mark ? ` icon-${mark}` : ''}`} title={title}>
      <svg viewBox="0 0 16 16" aria-hidden="true" focusable="false">
        <path d={PATHS[name]} />
      </svg>
    </span>
  );
}
