import { describe, expect, it } from 'vitest';
import { naturalKey, type Entity } from '../store/inventory';
import type { Column } from './columns';
import { Order } from './order';

const COLUMNS: Column[] = [
  { id: 'name', title: 'Name', width: 1, value: (entity) => entity.sortName },
  { id: 'host', title: 'Host', width: 1, value: (entity) => entity.props.host },
  { id: 'cpus', title: 'CPUs', width: 1, value: (entity) => entity.props.cpus },
];

function machine(name: string, host: string, cpus?: number): Entity {
  return { id: name, type: 'VirtualMachine', ref: { type: 'VirtualMachine', value: name }, sortName: naturalKey(name), props: { name, host, cpus } };
}

const ROWS = [machine('web10', 'alpha', 4), machine('web2', 'beta', 1), machine('db', 'alpha')];
const order = (column: string, down = false, query = '', rows = ROWS) => new Order().reset(rows, { columns: COLUMNS, sort: { column, down }, query });

describe('order', () => {
  it('is natural for names', () => {
    expect(order('name')).toEqual(['db', 'web2', 'web10']);
  });
  it('keeps what has no value last, whichever way', () => {
    expect(order('cpus')).toEqual(['web2', 'web10', 'db']);
    expect(order('cpus', true)).toEqual(['web10', 'web2', 'db']);
  });
  it('shows what passes the filter', () => {
    expect(order('name', false, 'alpha')).toEqual(['db', 'web10']);
  });
  it('is the same array as long as nothing moves', () => {
    const order = new Order();
    const before = order.reset(ROWS, { columns: COLUMNS, sort: { column: 'host', down: false }, query: '' });
    expect(order.update((id) => ROWS.find((each) => each.id === id))).toBe(before);
    const changed = { ...ROWS[0]!, props: { ...ROWS[0]!.props, cpus: 8 } };
    expect(order.update((id) => (id === 'web10' ? changed : ROWS.find((each) => each.id === id)))).toBe(before);
  });
  it('says the same of what is typed letter by letter as of the whole', () => {
    const rows = Array.from({ length: 50 }, (_, index) => machine(`vm${index * 7}`, `host${index % 5}`, index % 6));
    const typed = new Order();
    const wish = { columns: COLUMNS, sort: { column: 'host', down: false }, query: '' };
    typed.reset(rows, wish);
    for (const query of ['v', 'vm1', 'vm1 h', 'vm1 host2', 'vm1 host', 'vm3', 'vm3 cpus>1', 'vm3 cpus>4', 'vm3 cpus', '']) {
      expect(typed.filter(query, (id) => rows.find((each) => each.id === id))).toEqual(new Order().reset(rows, { ...wish, query }));
    }
  });
  it('comes to what a fresh one would say, whatever changes', () => {
    let seed = 1;
    const dice = (sides: number) => (seed = (seed * 48271) % 2147483647) % sides;
    const some = (index: number) => machine(`vm${index}`, `host${dice(5)}`, dice(9) === 0 ? undefined : dice(6));
    const rows = Array.from({ length: 60 }, (_, index) => some(index));
    for (const wish of [{ columns: COLUMNS, sort: { column: 'cpus', down: true }, query: 'host1' }, { columns: COLUMNS, sort: { column: 'host', down: false }, query: 'cpus>2' }]) {
      const order = new Order();
      order.reset(rows, wish);
      for (let round = 0; round < 40; round++) {
        for (let count = dice(12); count > 0; count--) {
          const index = dice(rows.length);
          rows[index] = some(index);
        }
        const now = new Map(rows.map((each) => [each.id, each]));
        expect(order.update((id) => now.get(id))).toEqual(new Order().reset(rows, wish));
      }
      rows[0] = machine('vm0', 'host2', 3);
      expect(order.filter('host2', (id) => rows.find((each) => each.id === id))).toEqual(new Order().reset(rows, { ...wish, query: 'host2' }));
    }
  });
});
