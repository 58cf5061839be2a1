import { describe, expect, it } from 'vitest';
import type { Entity } from '../store/inventory';
import { naturalKey } from '../store/inventory';
import type { Column } from './columns';
import { makeTest, narrows } from './filter';

const COLUMNS: Column[] = [
  { id: 'name', title: 'Name', width: 1, value: (entity) => entity.sortName },
  { id: 'host', title: 'Host', width: 1, value: (entity) => entity.props.host },
  { id: 'cpus', title: 'CPUs', width: 1, value: (entity) => entity.props.cpus },
];

function machine(name: string, host: string, cpus?: number): Entity {
  return { id: name, type: 'VirtualMachine', ref: { type: 'VirtualMachine', value: name }, sortName: naturalKey(name), props: { name, host, cpus } };
}

const ROWS = [machine('web10', 'alpha', 4), machine('web2', 'beta', 1), machine('db', 'alpha')];
const names = (rows: Entity[]) => rows.map((each) => each.id);
const found = (query: string) => names(ROWS.filter(makeTest(query, COLUMNS)));

describe('filter', () => {
  it('finds every word somewhere', () => {
    expect(found('')).toEqual(['web10', 'web2', 'db']);
    expect(found('WEB alpha')).toEqual(['web10']);
    expect(found('nothing')).toEqual([]);
  });
  it('looks into one column, and compares', () => {
    expect(found('host:beta')).toEqual(['web2']);
    expect(found('cpus>1')).toEqual(['web10']);
    expect(found('cpus<=1')).toEqual(['web2']);
    expect(found('name=db')).toEqual(['db']);
  });
  it('narrows where more of a word, or more words, are typed', () => {
    expect(narrows('', 'w')).toBe(true);
    expect(narrows('web1', 'web10')).toBe(true);
    expect(narrows('web', 'web alpha')).toBe(true);
    expect(narrows('web1', 'web2')).toBe(false);
    expect(narrows('web10', 'web1')).toBe(false);
    expect(narrows('cpus<1', 'cpus<10')).toBe(false);
    expect(narrows('cpus', 'cpus>1')).toBe(false);
  });
  it('searches what an object says now', () => {
    const columns: Column[] = COLUMNS.map((each) => ({ ...each, reads: each.id === 'cpus' ? [] : [each.id] }));
    const test = (row: Entity) => makeTest('gamma', columns)(row);
    const before = machine('same', 'alpha', 1);
    expect(test(before)).toBe(false);
    expect(test({ ...before, props: { ...before.props, cpus: 2 } })).toBe(false);
    expect(test({ ...before, props: { ...before.props, cpus: 2, host: 'gamma' } })).toBe(true);
    expect(test({ ...before, props: { ...before.props, cpus: 3, host: 'gamma' } })).toBe(true);
    expect(test({ ...before, props: { ...before.props, cpus: 3, host: 'alpha' } })).toBe(false);
  });
  it('takes what is no column as a word', () => {
    expect(found('10.0.0.1:443')).toEqual([]);
  });
});
