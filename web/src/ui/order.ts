// Which rows a grid shows, and in which order. Objects that have not changed since the last time
// cost a look; those that have are taken out and put back at their new place, so that a thousand
// changes a second among ten thousand rows are a matter of a few milliseconds.
import type { Entity } from '../store/inventory';
import type { Column } from './columns';
import { makeTest, narrows, type Sort, type Test } from './filter';

type Key = string | number | undefined;

interface Row {
  id: string;
  entity: Entity;
  key: Key;
  shown: boolean;
}

/** What the order depends on besides the objects themselves. */
export interface Wish {
  columns: readonly Column[];
  sort: Sort;
  query: string;
}

export class Order {
  private rows: Row[] = [];
  private wish: Wish | undefined;
  private compare: (a: Row, b: Row) => number = () => 0;
  private key: (entity: Entity) => Key = () => undefined;
  private test: Test = () => true;
  private ids: readonly string[] = [];

  /** How many there are, shown or not. */
  get all(): number {
    return this.rows.length;
  }

  get entities(): Entity[] {
    return this.rows.map((row) => row.entity);
  }

  /** Takes these rows from now on; what stood in order before is sorted in one pass. */
  reset(entities: Entity[], wish: Wish): readonly string[] {
    this.become(wish);
    const left = new Map(entities.map((entity) => [entity.id, entity]));
    const rows: Row[] = [];
    for (const { id } of this.rows) {
      const entity = left.get(id);
      if (entity && left.delete(id)) rows.push(this.rowOf(entity));
    }
    for (const entity of left.values()) rows.push(this.rowOf(entity));
    this.rows = rows.sort(this.compare);
    return this.show();
  }

  /** The same rows with another filter. */
  filter(query: string, now: (id: string) => Entity | undefined): readonly string[] {
    this.update(now);
    const isNarrower = narrows(this.wish!.query, query);
    this.become({ ...this.wish!, query });
    for (const row of this.rows) row.shown = (row.shown || !isNarrower) && this.test(row.entity);
    return this.show();
  }

  /** The same rows as they are now. What it returns is the same array if nothing moved. */
  update(now: (id: string) => Entity | undefined): readonly string[] {
    const moved: Row[] = [];
    let differs = false;
    for (const row of this.rows) {
      const entity = now(row.id);
      // What is gone leaves when the rows are taken anew.
      if (!entity || entity === row.entity) continue;
      const fresh = this.rowOf(entity);
      if (fresh.shown !== row.shown) differs = true;
      row.entity = entity;
      row.shown = fresh.shown;
      if (fresh.key !== row.key) moved.push(fresh);
    }
    if (moved.length > 0) {
      const out = new Set(moved.map((row) => row.id));
      const stay = this.rows.filter((row) => !out.has(row.id));
      this.rows = merged(stay, moved.sort(this.compare), this.compare);
      differs = true;
    }
    return differs ? this.show() : this.ids;
  }

  private become(wish: Wish) {
    this.wish = wish;
    const column = wish.columns.find((each) => each.id === wish.sort.column) ?? wish.columns[0]!;
    this.key = (entity) => {
      const value = column.value(entity);
      return typeof value === 'string' && column.id !== 'name' ? value.toLowerCase() : value;
    };
    this.compare = comparison(wish.sort.down);
    this.test = wish.query.trim() ? makeTest(wish.query, wish.columns) : () => true;
  }

  private rowOf(entity: Entity): Row {
    return { id: entity.id, entity, key: this.key(entity), shown: this.test(entity) };
  }

  private show(): readonly string[] {
    const ids: string[] = [];
    for (const row of this.rows) if (row.shown) ids.push(row.id);
    if (ids.length !== this.ids.length || ids.some((id, index) => id !== this.ids[index])) this.ids = ids;
    return this.ids;
  }
}

function comparison(down: boolean) {
  const sign = down ? -1 : 1;
  return (a: Row, b: Row): number => {
    if (a.key === b.key) {
      const [left, right] = [a.entity.sortName, b.entity.sortName];
      return left < right ? -1 : left > right ? 1 : 0;
    }
    // What has no value stands last, whichever way.
    if (a.key === undefined) return 1;
    if (b.key === undefined) return -1;
    return a.key < b.key ? -sign : sign;
  };
}

function merged(left: Row[], right: Row[], compare: (a: Row, b: Row) => number): Row[] {
  const all: Row[] = [];
  let at = 0;
  for (const row of right) {
    while (at < left.length && compare(left[at]!, row) <= 0) all.push(left[at++]!);
    all.push(row);
  }
  while (at < left.length) all.push(left[at++]!);
  return all;
}
