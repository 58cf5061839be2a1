import { describe, expect, it } from 'vitest';
import type { Data } from '../api/client';
import { isKept, removal, ruleIsLacking, rulesOf, saving, sharing, switching, type Rule } from './rules';

const vm = (value: string) => ({ _typeName: 'ManagedObjectReference', type: 'VirtualMachine', value });
const host = (value: string) => ({ _typeName: 'ManagedObjectReference', type: 'HostSystem', value });
const CONFIG: Data = {
  group: [
    { _typeName: 'ClusterVmGroup', name: 'licensed (machines)', vm: [vm('a'), vm('b')] },
    { _typeName: 'ClusterHostGroup', name: 'licensed (hosts)', host: [host('h1')] },
    { _typeName: 'ClusterHostGroup', name: 'old rack', host: [host('h2')] },
  ],
  rule: [
    { _typeName: 'ClusterAntiAffinityRuleSpec', key: 1, name: 'apart', enabled: true, vm: [vm('a'), vm('b')] },
    { _typeName: 'ClusterVmHostRuleInfo', key: 2, name: 'licensed', enabled: false, mandatory: true, vmGroupName: 'licensed (machines)', affineHostGroupName: 'licensed (hosts)' },
    { _typeName: 'ClusterVmHostRuleInfo', key: 3, name: 'away', enabled: true, vmGroupName: 'licensed (machines)', antiAffineHostGroupName: 'old rack' },
    { _typeName: 'ClusterDependencyRuleInfo', key: 4, name: 'first', enabled: true, vmGroup: 'x', dependsOnVmGroup: 'y' },
  ],
};
const [apart, licensed, away, other] = rulesOf(CONFIG) as [Rule, Rule, Rule, Rule];
const fresh: Rule = { name: 'new', enabled: true, kind: 'on', must: true, machines: ['c'], hosts: ['h1'] };

describe('rules', () => {
  it('are read with the members of their groups', () => {
    expect(apart).toMatchObject({ kind: 'apart', machines: ['a', 'b'], hosts: [] });
    expect(licensed).toMatchObject({ kind: 'on', must: true, enabled: false, machines: ['a', 'b'], hosts: ['h1'] });
    expect(away).toMatchObject({ kind: 'notOn', must: false, hosts: ['h2'] });
    expect(other.kind).toBeUndefined();
  });
  it('say what they lack', () => {
    expect(ruleIsLacking({ ...apart, machines: ['a'] })).toBe('It takes two machines or more.');
    expect(ruleIsLacking({ ...fresh, hosts: [] })).toBe('Which hosts?');
    expect(ruleIsLacking({ ...fresh, name: ' ' })).toBe('It needs a name.');
    expect(ruleIsLacking(fresh)).toBeUndefined();
  });
  it('make the groups that a new one needs, and edit those of an old one', () => {
    const made = saving(undefined, fresh, CONFIG);
    expect(made.groupSpec.map((each: Data) => [each.operation, each.info.name])).toEqual([['add', 'new (hosts)'], ['add', 'new (machines)']]);
    expect(made.rulesSpec[0]).toMatchObject({ operation: 'add', info: { mandatory: true, vmGroupName: 'new (machines)', affineHostGroupName: 'new (hosts)' } });
    const taken = saving(undefined, { ...fresh, name: 'licensed' }, CONFIG);
    expect(taken.rulesSpec[0].info.vmGroupName).toBe('licensed (machines) 2');
    const changed = saving(licensed, { ...licensed, machines: ['a'] }, CONFIG);
    expect(changed.groupSpec.map((each: Data) => each.operation)).toEqual(['edit', 'edit']);
    expect(changed.rulesSpec).toMatchObject([{ operation: 'edit', info: { key: 2 } }]);
  });
  it('are made anew when their kind changes', () => {
    const changed = saving(apart, { ...apart, kind: 'together' }, CONFIG);
    expect(changed.rulesSpec).toMatchObject([{ operation: 'remove', removeKey: { _typeName: 'int', _value: 1 } }, { operation: 'add', info: { _typeName: 'ClusterAffinityRuleSpec', name: 'apart' } }]);
    expect(changed.rulesSpec[1].info.key).toBeUndefined();
  });
  it('take only those groups along that nobody else needs', () => {
    expect(removal(licensed, CONFIG).groupSpec.map((each: Data) => each.removeKey._value)).toEqual(['licensed (hosts)']);
    expect(removal(away, CONFIG).groupSpec).toEqual([]);
    expect(sharing(licensed, rulesOf(CONFIG))).toEqual(['away']);
  });
  it('are switched without losing anything', () => {
    expect(switching(licensed, CONFIG, true).rulesSpec[0].info).toEqual({ ...CONFIG.rule[1], enabled: true });
  });
  it('are kept or not by where machines run', () => {
    const at = (places: Record<string, string>) => (machine: string) => places[machine];
    expect(isKept(apart, at({ a: 'h1', b: 'h1' }))).toBe(false);
    expect(isKept(apart, at({ a: 'h1' }))).toBe(true);
    expect(isKept({ ...apart, kind: 'together' }, at({ a: 'h1', b: 'h2' }))).toBe(false);
    expect(isKept(licensed, at({ a: 'h1', b: 'h2' }))).toBe(false);
    expect(isKept(away, at({ a: 'h1' }))).toBe(true);
  });
});
