// A table of any number of objects: only rows in sight have elements (`rows.ts`), each is drawn
// again when its object changes, and the order is made anew at most once a second. Click, Ctrl and
// Shift select; arrow keys move, Space selects, Enter opens, Shift+F10 (or right click) opens the
// menu.
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState, type ReactNode } from 'react';
import { actionItems } from '../actions/registry';
import { useChanges, useRemembered, useStructure } from '../store/hooks';
import { inventory, nameOf, type Entity } from '../store/inventory';
import { linkTo } from '../store/kinds';
import { go } from '../store/route';
import { cellView, type CellView } from './cells';
import type { Column } from './columns';
import { prepare, type Sort } from './filter';
import { Icon, iconElement, setIcon } from './Icon';
import { Menu, type MenuItems, type MenuPlace } from './Menu';
import { Order } from './order';
import { Rows, type Slot } from './rows';

const ROW_HEIGHT = 28;
const CHECK_WIDTH = 28;

interface Props {
  /** Remembers widths and order under this name. */
  name: string;
  label: string;
  columns: Column[];
  /** All that may be shown; called again when the inventory changes. */
  rows: () => Entity[];
  query: string;
  selected: ReadonlySet<string>;
  select: (ids: ReadonlySet<string>) => void;
  sort: Sort;
  setSort: (sort: Sort) => void;
  empty: ReactNode;
  onCount?: (shown: number, all: number) => void;
}

interface RowSlot extends Slot {
  id: string;
  cells: CellView[];
  stop?: () => void;
  classes: string;
}

// Where each list was scrolled to when it was left: going back finds it there.
const places = new Map<string, number>();
const placeOf = (name: string) => `${name} ${location.hash.split('?')[0]}`;

/** What a row needs to know of its grid. */
interface View {
  shown: readonly string[];
  columns: readonly Column[];
  lefts: readonly number[];
  widths: readonly number[];
  selected: ReadonlySet<string>;
  current: number;
}

function makeRow(view: View): RowSlot {
  const element = document.createElement('div');
  element.setAttribute('role', 'row');
  const check = document.createElement('div');
  check.className = 'grid-check';
  check.setAttribute('role', 'gridcell');
  const box = document.createElement('span');
  box.className = 'box';
  const icon = iconElement();
  setIcon(icon, 'check');
  box.append(icon);
  check.append(box);
  element.append(check);
  const cells = view.columns.map((column, index) => {
    const made = cellView(column.look ?? 'text', column.right ?? false);
    made.element.style.left = `${view.lefts[index]}px`;
    made.element.style.width = `${view.widths[index]}px`;
    element.append(made.element);
    return made;
  });
  return { element, index: -1, id: '', cells, classes: '' };
}

function drawState(slot: RowSlot, view: View) {
  const isSelected = view.selected.has(slot.id);
  const classes = `grid-row${isSelected ? ' selected' : ''}${slot.index === view.current ? ' current' : ''}`;
  if (classes === slot.classes) return;
  slot.classes = classes;
  slot.element.className = classes;
  slot.element.setAttribute('aria-selected', String(isSelected));
}

function drawCells(slot: RowSlot, view: View) {
  const entity = inventory.get(slot.id);
  if (!entity) return;
  for (const [index, column] of view.columns.entries()) {
    slot.cells[index]!.set(column.show ? column.show(entity) : { text: String(column.value(entity) ?? '') });
  }
}

function drawRow(slot: RowSlot, view: View) {
  const id = view.shown[slot.index]!;
  if (id !== slot.id) {
    slot.stop?.();
    slot.id = id;
    slot.element.id = `row-${id}`;
    slot.stop = inventory.subscribe(id, () => drawCells(slot, view));
  }
  slot.element.setAttribute('aria-rowindex', String(slot.index + 2));
  drawCells(slot, view);
  drawState(slot, view);
}

function dropRow(slot: RowSlot) {
  slot.stop?.();
  slot.stop = undefined;
  slot.id = '';
}

/** The ids that pass the filter, in their order. */
function useOrder({ query, columns, sort, rows }: Props) {
  const changes = useChanges(1000);
  const structure = useStructure();
  const order = useRef<Order | undefined>(undefined);
  const last = useRef({ structure: -1, columns, sort, rows, query });
  const words = query.trim();
  // By name, figures that change move no row; without a filter, they hide none.
  const version = sort.column === 'name' && !words ? 0 : changes;
  const shown = useMemo(() => {
    const before = last.current;
    last.current = { structure, columns, sort, rows, query: words };
    const mine = (order.current ??= new Order());
    if (before.structure !== structure || before.columns !== columns || before.sort !== sort || before.rows !== rows) {
      return mine.reset(rows(), { columns, sort, query: words });
    }
    const now = (id: string) => inventory.get(id);
    return before.query === words ? mine.update(now) : mine.filter(words, now);
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [structure, version, columns, sort, rows, words]);
  useEffect(() => {
    // The first letter of a filter is answered as fast as the next: rows know their objects as they
    // are now, and what is searched of them.
    let handle = requestIdleCallback(function ready(deadline) {
      const mine = order.current!;
      // Where nothing can move or hide a row, nobody else has told them.
      if (version === 0) mine.update((id) => inventory.get(id));
      if (!prepare(mine.entities, columns, () => deadline.timeRemaining() > 2)) handle = requestIdleCallback(ready);
    });
    return () => cancelIdleCallback(handle);
  }, [columns, changes, structure, version]);
  return { shown, all: order.current!.all };
}

export function DataGrid(props: Props) {
  const { name, label, columns, selected, select, sort, setSort, empty, onCount } = props;
  const [widths, setWidths] = useRemembered<Record<string, number>>(`widths.${name}`, {});
  const scroller = useRef<HTMLDivElement>(null);
  const body = useRef<HTMLDivElement>(null);
  const pool = useRef<Rows<RowSlot> | undefined>(undefined);
  const [current, setCurrent] = useState(0);
  const anchor = useRef(0);
  const [menu, setMenu] = useState<{ place: MenuPlace; items: MenuItems } | undefined>();
  const { shown, all: known } = useOrder(props);
  // Before the rows are painted: number and rows change in the same frame.
  useLayoutEffect(() => onCount?.(shown.length, known), [onCount, shown.length, known]);

  const sizes = columns.map((each) => widths[each.id] ?? each.width);
  const width = CHECK_WIDTH + sizes.reduce((sum, each) => sum + each, 0);
  const shape = `${columns.map((each) => each.id).join()} ${sizes.join()}`;

  const view = useRef<View>({ shown, columns, lefts: leftsOf(sizes), widths: sizes, selected, current });
  const drawn = useRef({ shape: '', shown: [] as readonly string[] });
  useLayoutEffect(() => {
    const made = new Rows<RowSlot>(scroller.current!, body.current!, ROW_HEIGHT,
      () => makeRow(view.current), (slot) => drawRow(slot, view.current), dropRow);
    pool.current = made;
    const place = placeOf(name);
    const element = scroller.current!;
    made.show(view.current.shown.length);
    element.scrollTop = places.get(place) ?? 0;
    const remember = () => places.set(place, element.scrollTop);
    element.addEventListener('scroll', remember, { passive: true });
    return () => {
      element.removeEventListener('scroll', remember);
      drawn.current = { shape: '', shown: [] };
      made.destroy();
    };
    // A list of another name is another component.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, []);
  useLayoutEffect(() => {
    Object.assign(view.current, { shown, columns, lefts: leftsOf(sizes), widths: sizes, selected, current });
    const before = drawn.current;
    drawn.current = { shape, shown };
    if (before.shape !== shape) pool.current!.rebuild();
    if (before.shape !== shape || before.shown !== shown) pool.current!.show(shown.length, same(before.shown, shown));
    else pool.current!.each((slot) => drawState(slot, view.current));
  });

  // Handlers keep their identity, so that rows are not drawn for nothing.
  const state = useRef({ shown, selected, select });
  useLayoutEffect(() => {
    state.current = { shown, selected, select };
  });

  const choose = useCallback((index: number, mode: 'one' | 'toggle' | 'range') => {
    const { shown: all, selected: before, select: set } = state.current;
    const id = all[index];
    if (id === undefined) return;
    setCurrent(index);
    if (mode === 'one') {
      anchor.current = index;
      set(new Set([id]));
    } else if (mode === 'toggle') {
      anchor.current = index;
      const next = new Set(before);
      if (!next.delete(id)) next.add(id);
      set(next);
    } else {
      const [from, to] = [Math.min(anchor.current, index), Math.max(anchor.current, index)];
      set(new Set(all.slice(from, to + 1)));
    }
  }, []);

  const rowAt = (event: React.MouseEvent): number => {
    const row = (event.target as HTMLElement).closest('.grid-row');
    return row ? shown.indexOf(row.id.slice('row-'.length)) : -1;
  };

  const click = (event: React.MouseEvent) => {
    const index = rowAt(event);
    if (index < 0) return;
    const target = event.target as HTMLElement;
    if (target.closest('a') && !event.ctrlKey && !event.shiftKey && !event.metaKey) return;
    if (event.shiftKey || event.ctrlKey || event.metaKey) event.preventDefault();
    const onBox = target.closest('.grid-check') !== null;
    choose(index, event.shiftKey ? 'range' : event.ctrlKey || event.metaKey || onBox ? 'toggle' : 'one');
  };

  const openMenu = (index: number, place: MenuPlace) => {
    const id = shown[index];
    if (id === undefined) return;
    if (!selected.has(id)) choose(index, 'one');
    const chosen = selected.has(id) ? shown.filter((each) => selected.has(each)) : [id];
    setMenu({ place, items: actionItems(chosenOf(new Set(chosen))) });
  };

  const open = (index: number) => {
    const entity = inventory.get(shown[index]);
    if (entity) go(linkTo(entity));
  };

  const keyDown = (event: React.KeyboardEvent) => {
    if (menu) return;
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 300) / ROW_HEIGHT) - 2);
    const steps: Record<string, number> = {
      ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -shown.length, End: shown.length,
    };
    const step = steps[event.key];
    if (step !== undefined) {
      const next = Math.max(0, Math.min(shown.length - 1, current + step));
      if (event.shiftKey) choose(next, 'range');
      else if (event.ctrlKey) setCurrent(next);
      else choose(next, 'one');
      pool.current!.reveal(next, ROW_HEIGHT);
    } else if (event.key === ' ') choose(current, 'toggle');
    else if (event.key === 'Enter') open(current);
    else if (event.key === 'a' && (event.ctrlKey || event.metaKey)) select(new Set(shown));
    else if (event.key === 'Escape') select(new Set());
    else if (event.key === 'ContextMenu' || (event.key === 'F10' && event.shiftKey)) {
      const area = document.getElementById(`row-${shown[current]}`)?.getBoundingClientRect();
      openMenu(current, { x: (area?.left ?? 100) + 60, y: area?.bottom ?? 100 });
    } else return;
    event.preventDefault();
  };

  const resize = (column: Column, event: React.PointerEvent) => {
    event.preventDefault();
    event.stopPropagation();
    const start = event.clientX;
    const before = widths[column.id] ?? column.width;
    const move = (moved: PointerEvent) => setWidths({ ...widths, [column.id]: Math.max(40, before + moved.clientX - start) });
    const up = () => {
      removeEventListener('pointermove', move);
      removeEventListener('pointerup', up);
    };
    addEventListener('pointermove', move);
    addEventListener('pointerup', up);
  };

  const all = shown.length > 0 && selected.size >= shown.length && shown.every((each) => selected.has(each));
  const currentId = shown[current];
  return (
    <div ref={scroller} className="grid" role="grid" aria-label={label} aria-rowcount={shown.length + 1} aria-colcount={columns.length + 1}
      aria-multiselectable tabIndex={0} onKeyDown={keyDown}
      aria-activedescendant={currentId && pool.current?.isInSight(current) ? `row-${currentId}` : undefined}>
      <div className="grid-head" role="row" aria-rowindex={1} style={{ minWidth: width }}>
        <div role="columnheader" className="grid-check">
          <button type="button" className="box" aria-label={all ? 'Select none' : 'Select all'} tabIndex={-1}
            onClick={() => select(all ? new Set() : new Set(shown))}>
            {all && <Icon name="check" />}
          </button>
        </div>
        {columns.map((column, index) => (
          <div key={column.id} role="columnheader" className={column.right ? 'right' : undefined} style={{ width: sizes[index] }}
            aria-sort={sort.column === column.id ? (sort.down ? 'descending' : 'ascending') : 'none'}>
            <button type="button" onClick={() => setSort({ column: column.id, down: sort.column === column.id && !sort.down })}>
              {column.title}
              {sort.column === column.id && <Icon name={sort.down ? 'down' : 'up'} />}
            </button>
            <span className="grip" onPointerDown={(event) => resize(column, event)} />
          </div>
        ))}
      </div>
      <div ref={body} className="grid-body" role="rowgroup" style={{ minWidth: width }} onClick={click}
        onContextMenu={(event) => {
          const index = rowAt(event);
          if (index < 0) return;
          event.preventDefault();
          openMenu(index, { x: event.clientX, y: event.clientY });
        }}
        onDoubleClick={(event) => open(rowAt(event))} />
      {shown.length === 0 && <div className="grid-empty">{empty}</div>}
      {menu && <Menu items={menu.items} place={menu.place} label="Actions" close={() => setMenu(undefined)} />}
    </div>
  );
}

function leftsOf(sizes: readonly number[]): number[] {
  let left = CHECK_WIDTH;
  return sizes.map((each) => (left += each) - each);
}

// Whether the same rows stand at the same places.
function same(before: readonly string[], after: readonly string[]): boolean {
  return before.length === after.length && before.every((each, index) => each === after[index]);
}

export function chosenOf(ids: ReadonlySet<string>): Entity[] {
  return [...ids].map((id) => inventory.get(id)).filter((each): each is Entity => each !== undefined);
}

export function namesOf(entities: Entity[], most = 3): string {
  const names = entities.slice(0, most).map(nameOf).join(', ');
  return entities.length > most ? `${names} and ${entities.length - most} more` : names;
}
