// What a filter's words mean: each must be found somewhere in the row; "host:alpha" looks in one
// column, "cpus>4" compares. Pure, and fast enough for ten thousand rows on each key.
import type { Entity } from '../store/inventory';
import { nameOf } from '../store/inventory';
import type { Column } from './columns';

export type Test = (entity: Entity) => boolean;

// What is searched of each object. Objects change every few seconds and their texts hardly ever: an
// object that has changed is searched in its old text if all that the text is made of is the same.
interface Known {
  entity: Entity;
  parts: (string | undefined)[];
  text: string;
}
const texts = new WeakMap<readonly Column[], Map<string, Known>>();

// Figures are compared, never searched: asking for them would be most of the work.
const isSearched = (column: Column) => !column.right && column.look !== 'bar';

function textsOf(columns: readonly Column[]): Map<string, Known> {
  let map = texts.get(columns);
  if (!map) texts.set(columns, (map = new Map()));
  return map;
}

function textOf(entity: Entity, columns: readonly Column[], known: Map<string, Known>): string {
  const before = known.get(entity.id);
  if (before?.entity === entity) return before.text;
  const parts: (string | undefined)[] = [];
  for (const column of columns) {
    if (!isSearched(column)) continue;
    const value = column.id === 'name' ? nameOf(entity) : column.value(entity);
    parts.push(typeof value === 'string' ? value : undefined);
  }
  if (before && parts.every((part, index) => part === before.parts[index])) {
    before.entity = entity;
    return before.text;
  }
  const text = parts.filter((part) => part !== undefined).join('\n').toLowerCase();
  known.set(entity.id, { entity, parts, text });
  return text;
}

/** Makes ready what a filter will search; stops when `more` says so. True if all is ready. */
export function prepare(rows: Iterable<Entity>, columns: readonly Column[], more: () => boolean): boolean {
  const known = textsOf(columns);
  let count = 0;
  for (const entity of rows) {
    textOf(entity, columns, known);
    if (++count % 100 === 0 && !more()) return false;
  }
  return true;
}

export function makeTest(query: string, columns: readonly Column[]): Test {
  const tests = query.toLowerCase().split(/\s+/).filter(Boolean).map((word) => testOf(word, columns));
  return (entity) => tests.every((test) => test(entity));
}

/**
 * Whether all that passes the `next` filter passes the one `before` too, so that only what is shown
 * has to be looked at again: words that have grown, or more of them. Comparisons are not judged.
 */
export function narrows(before: string, next: string): boolean {
  return next.startsWith(before) && !/[:<>=]/.test(next);
}

function testOf(word: string, columns: readonly Column[]): Test {
  const parts = /^([a-z ]+)(:|<=|>=|<|>|=)(.+)$/.exec(word);
  const column = parts && columns.find((each) => each.id === parts[1] || each.title.toLowerCase() === parts[1]);
  if (!parts || !column) {
    const known = textsOf(columns);
    return (entity) => textOf(entity, columns, known).includes(word);
  }
  const wanted = parts[3]!;
  const limit = Number(wanted);
  return (entity) => {
    const value = column.id === 'name' ? nameOf(entity) : column.value(entity);
    if (value === undefined) return false;
    switch (parts[2]) {
      case '<': return Number(value) < limit;
      case '>': return Number(value) > limit;
      case '<=': return Number(value) <= limit;
      case '>=': return Number(value) >= limit;
      case '=': return String(value).toLowerCase() === wanted;
      default: return String(value).toLowerCase().includes(wanted);
    }
  };
}

export interface Sort {
  column: string;
  down: boolean;
}
