// A cluster's rules as people think of them: which machines stay together or apart, and which hosts
// some machines keep to or away from. The API keeps the members of the latter in groups with names;
// here a rule has its members, and the groups follow. Pure.
import { boxed } from '../api/cluster';
import type { Data, MoRef } from '../api/client';

export type RuleKind = 'together' | 'apart' | 'on' | 'notOn';

export interface Rule {
  /** Absent: not made yet. */
  key?: number;
  name: string;
  enabled: boolean;
  /** Undefined: a kind that only other clients can change. */
  kind: RuleKind | undefined;
  /** Of rules about hosts: it stops what would break it, instead of only being kept if possible. */
  must: boolean;
  machines: string[];
  hosts: string[];
  machineGroup?: string;
  hostGroup?: string;
}

export const RULE_KINDS: { value: RuleKind; label: string; hint: string }[] = [
  { value: 'together', label: 'Keep machines together', hint: 'All of them run on one host: what they say to each other never leaves it.' },
  { value: 'apart', label: 'Keep machines apart', hint: 'No two of them run on one host: it may fail without taking them all.' },
  { value: 'on', label: 'Run on these hosts', hint: 'For a licence, or for what only these hosts have.' },
  { value: 'notOn', label: 'Stay away from these hosts', hint: 'The rest of the cluster is theirs.' },
];

export const isAboutHosts = (kind: RuleKind | undefined) => kind === 'on' || kind === 'notOn';

const TYPES: Record<string, RuleKind> = { ClusterAffinityRuleSpec: 'together', ClusterAntiAffinityRuleSpec: 'apart' };
const idsOf = (list: MoRef[] | undefined) => (list ?? []).map((each) => each.value);
const groupOf = (config: Data, name: string | undefined): Data => (config?.group ?? []).find((each: Data) => each.name === name);
const machineRefs = (ids: string[]): MoRef[] => ids.map((value) => ({ _typeName: 'ManagedObjectReference', type: 'VirtualMachine', value }));
const hostRefs = (ids: string[]): MoRef[] => ids.map((value) => ({ _typeName: 'ManagedObjectReference', type: 'HostSystem', value }));

export function rulesOf(config: Data): Rule[] {
  return ((config?.rule ?? []) as Data[]).map((info): Rule => {
    const isOn = Boolean(info.affineHostGroupName);
    const hostGroup: string | undefined = info.affineHostGroupName ?? info.antiAffineHostGroupName;
    // A rule may name both groups: no kind of ours.
    const isOurs = info._typeName === 'ClusterVmHostRuleInfo' && info.vmGroupName && hostGroup && !(info.affineHostGroupName && info.antiAffineHostGroupName);
    return {
      key: info.key, name: info.name ?? '', enabled: info.enabled !== false, must: Boolean(info.mandatory),
      kind: TYPES[info._typeName] ?? (isOurs ? (isOn ? 'on' : 'notOn') : undefined),
      machines: idsOf(info.vm ?? groupOf(config, info.vmGroupName)?.vm),
      hosts: idsOf(groupOf(config, hostGroup)?.host),
      machineGroup: info.vmGroupName, hostGroup,
    };
  });
}

/** Why it can't be saved yet. */
export function ruleIsLacking(rule: Rule): string | undefined {
  if (!rule.name.trim()) return 'It needs a name.';
  if (isAboutHosts(rule.kind)) {
    if (rule.machines.length === 0) return 'For which machines?';
    return rule.hosts.length === 0 ? 'Which hosts?' : undefined;
  }
  return rule.machines.length < 2 ? 'It takes two machines or more.' : undefined;
}

/** Other rules that would change with the members of this one: they share a group. */
export function sharing(rule: Rule, rules: Rule[]): string[] {
  const shares = (each: Rule) => (rule.machineGroup && each.machineGroup === rule.machineGroup) || (rule.hostGroup && each.hostGroup === rule.hostGroup);
  return rules.filter((each) => each.key !== rule.key && shares(each)).map((each) => each.name);
}

function freeName(wanted: string, config: Data): string {
  for (let count = 1; ; count++) {
    const name = count === 1 ? wanted : `${wanted} ${count}`;
    if (!groupOf(config, name)) return name;
  }
}

const groupChange = (operation: 'add' | 'edit', info: Data): Data => ({ _typeName: 'ClusterGroupSpec', operation, info });
const ruleRemoval = (rule: Rule): Data => ({ _typeName: 'ClusterRuleSpec', operation: 'remove', removeKey: boxed('int', rule.key!) });

// Groups that this client made for a rule, and that no other rule needs.
function leftGroups(rule: Rule, config: Data): Data[] {
  const others = rulesOf(config).filter((each) => each.key !== rule.key);
  const isNeeded = (name: string) => others.some((each) => each.machineGroup === name || each.hostGroup === name);
  return [rule.machineGroup, rule.hostGroup]
    .filter((name): name is string => Boolean(name && /^.+ \((machines|hosts)\)( \d+)?$/.test(name) && groupOf(config, name) && !isNeeded(name)))
    .map((name) => ({ _typeName: 'ClusterGroupSpec', operation: 'remove', removeKey: boxed('string', name) }));
}

/** What removes a rule, with the groups that were made for it alone. */
export function removal(rule: Rule, config: Data): Data {
  return { groupSpec: leftGroups(rule, config), rulesSpec: [ruleRemoval(rule)] };
}

/** What switches a rule on or off. */
export function switching(rule: Rule, config: Data, enabled: boolean): Data {
  const info = ((config?.rule ?? []) as Data[]).find((each) => each.key === rule.key);
  return { rulesSpec: [{ _typeName: 'ClusterRuleSpec', operation: 'edit', info: { ...info, enabled } }] };
}

/** What makes a rule, or changes one into another. */
export function saving(before: Rule | undefined, after: Rule, config: Data): Data {
  const info: Data = { name: after.name.trim(), enabled: after.enabled };
  const groupSpec: Data[] = [];
  const isSame = before !== undefined && before.kind === after.kind;
  if (isAboutHosts(after.kind)) {
    const kept = before && isAboutHosts(before.kind) ? before : undefined;
    const group = (type: string, name: string | undefined, wanted: string, members: Data): string => {
      const chosen = name ?? freeName(wanted, config);
      groupSpec.push(groupChange(name ? 'edit' : 'add', { _typeName: type, name: chosen, ...members }));
      return chosen;
    };
    const hostGroup = group('ClusterHostGroup', kept?.hostGroup, `${info.name} (hosts)`, { host: hostRefs(after.hosts) });
    Object.assign(info, {
      _typeName: 'ClusterVmHostRuleInfo', mandatory: after.must,
      vmGroupName: group('ClusterVmGroup', kept?.machineGroup, `${info.name} (machines)`, { vm: machineRefs(after.machines) }),
      [after.kind === 'on' ? 'affineHostGroupName' : 'antiAffineHostGroupName']: hostGroup,
    });
  } else {
    Object.assign(info, { _typeName: after.kind === 'together' ? 'ClusterAffinityRuleSpec' : 'ClusterAntiAffinityRuleSpec', vm: machineRefs(after.machines) });
    if (before && isAboutHosts(before.kind)) groupSpec.push(...leftGroups(before, config));
  }
  if (isSame) info.key = before.key;
  return {
    groupSpec,
    // A rule that becomes another kind is another rule: what it said before must not stay.
    rulesSpec: [...(before && !isSame ? [ruleRemoval(before)] : []), { _typeName: 'ClusterRuleSpec', operation: isSame ? 'edit' : 'add', info }],
  };
}

/** Whether the machines that run keep to it now. `hostOf` is undefined for those that do not run. */
export function isKept(rule: Rule, hostOf: (machine: string) => string | undefined): boolean {
  const hosts = rule.machines.map(hostOf).filter((each) => each !== undefined);
  switch (rule.kind) {
    case 'together': return new Set(hosts).size <= 1;
    case 'apart': return new Set(hosts).size === hosts.length;
    case 'on': return hosts.every((each) => rule.hosts.includes(each));
    case 'notOn': return hosts.every((each) => !rule.hosts.includes(each));
    default: return true;
  }
}
