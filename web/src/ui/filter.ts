// What a filter's words mean: each must be found somewhere in the row; "host:alpha" looks in one
// column, "cpus>4" compares. Pure, and fast enough for ten thousand rows on each key.
import type { Entity } from '../store/inventory';
import { nameOf } from '../store/inventory';
import type { Column } from './columns';

export type Test = (entity: Entity) => boolean;

// What is searched of each object. Objects change every few seconds and their texts hardly ever: an
// object that has changed is searched in its old text as long as all that the text is made of is
// the same.
interface Known {
  entity: Entity;
  text: string;
}

class Texts {
  private known = new Map<string, Known>();
  // Figures are compared, never searched: asking for them would be most of the work.
  private columns: readonly Column[];
  /** Undefined: a column does not say what it is made of. */
  private reads: string[] | undefined;

  constructor(columns: readonly Column[]) {
    this.columns = columns.filter((each) => !each.right && each.look !== 'bar');
    if (this.columns.every((each) => each.reads)) this.reads = this.columns.flatMap((each) => each.reads!);
  }

  of(entity: Entity): string {
    const before = this.known.get(entity.id);
    if (before?.entity === entity) return before.text;
    if (before && this.isSame(before.entity, entity)) {
      before.entity = entity;
      return before.text;
    }
    let text = '';
    for (const column of this.columns) {
      const value = column.id === 'name' ? nameOf(entity) : column.value(entity);
      if (typeof value === 'string') text += `${value}\n`;
    }
    text = text.toLowerCase();
    this.known.set(entity.id, { entity, text });
    return text;
  }

  private isSame(before: Entity, now: Entity): boolean {
    if (!this.reads) return false;
    for (const path of this.reads) if (before.props[path] !== now.props[path]) return false;
    return true;
  }
}

const texts = new WeakMap<readonly Column[], Texts>();

function textsOf(columns: readonly Column[]): Texts {
  let made = texts.get(columns);
  if (!made) texts.set(columns, (made = new Texts(columns)));
  return made;
}

/** Makes ready what a filter will search; stops when `more` says so. True if all is ready. */
export function prepare(rows: Iterable<Entity>, columns: readonly Column[], more: () => boolean): boolean {
  const known = textsOf(columns);
  let count = 0;
  for (const entity of rows) {
    known.of(entity);
    if (++count % 100 === 0 && !more()) return false;
  }
  return true;
}

export function makeTest(query: string, columns: readonly Column[]): Test {
  const tests = query.toLowerCase().split(/\s+/).filter(Boolean).map((word) => testOf(word, columns));
  return tests.length === 1 ? tests[0]! : (entity) => tests.every((test) => test(entity));
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
    return (entity) => known.of(entity).includes(word);
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
