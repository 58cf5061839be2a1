// Definitions of alarms as people think of them: some triggers for one kind of object, of which any
// or all must be true. What other clients made of more than that is kept as it is. Pure.
import type { Data } from '../api/client';
import { number, sentence, words } from '../format/units';

export type Level = 'yellow' | 'red' | 'green';

/** A counter beyond a limit; limits in the counter's unit here, times in minutes. */
export interface FigureTrigger {
  kind: 'figure';
  counter: number;
  isAbove: boolean;
  yellow?: number;
  red?: number;
  minutes: number;
}

/** A property has, or has not, a value. */
export interface StateTrigger {
  kind: 'state';
  path: string;
  isEqual: boolean;
  yellow?: string;
  red?: string;
}

/** An event happened; it counts until another one says otherwise. */
export interface EventTrigger {
  kind: 'event';
  event: string;
  /** Of events that have no type of their own. */
  eventId?: string;
  level: Level;
}

export type Trigger = FigureTrigger | StateTrigger | EventTrigger;

export interface Definition {
  type: string;
  combine: 'any' | 'all';
  triggers: Trigger[];
}

export interface Counter {
  id: number;
  label: string;
  unit: string;
  /** What the API counts of one unit. */
  factor: number;
}

interface Subject {
  type: string;
  label: string;
  counters: Counter[];
  states: { path: string; label: string; values: string[] }[];
}

const percentage = (id: number, label: string): Counter => ({ id, label, unit: '%', factor: 100 });
const memory = (id: number, label: string): Counter => ({ id, label, unit: 'MiB', factor: 1024 });
const CPU = [percentage(2, 'CPU use'), { id: 6, label: 'CPU used', unit: 'MHz', factor: 1 }];

/** What the center can watch of which objects. */
export const SUBJECTS: Subject[] = [
  {
    type: 'VirtualMachine', label: 'Machines',
    counters: [...CPU, percentage(404, 'CPU ready (waiting)'), percentage(24, 'Memory use'), memory(33, 'Active memory'), memory(98, 'Consumed memory'), memory(90, 'Ballooned memory'), memory(70, 'Swapped memory')],
    states: [
      { path: 'runtime.powerState', label: 'Power', values: ['poweredOn', 'poweredOff', 'suspended'] },
      { path: 'runtime.connectionState', label: 'Connection', values: ['connected', 'disconnected', 'inaccessible', 'invalid', 'orphaned'] },
      { path: 'guestHeartbeatStatus', label: 'Heartbeat of the guest', values: ['green', 'yellow', 'red', 'gray'] },
    ],
  },
  {
    type: 'HostSystem', label: 'Hosts',
    counters: [...CPU, percentage(24, 'Memory use'), memory(98, 'Consumed memory')],
    states: [
      { path: 'runtime.connectionState', label: 'Connection', values: ['connected', 'disconnected', 'notResponding'] },
      { path: 'runtime.powerState', label: 'Power', values: ['poweredOn', 'poweredOff', 'standBy', 'unknown'] },
      { path: 'runtime.inMaintenanceMode', label: 'Maintenance mode', values: ['true', 'false'] },
    ],
  },
  {
    type: 'Datastore', label: 'Datastores', counters: [percentage(281, 'Space used')],
    states: [{ path: 'summary.accessible', label: 'Accessible', values: ['true', 'false'] }],
  },
  { type: 'ClusterComputeResource', label: 'Clusters', counters: [], states: [] },
  { type: 'Datacenter', label: 'Datacenters', counters: [], states: [] },
];

const plainType = (type: string | undefined) => (type ?? '').replace(/^vim\./, '');
export const subjectOf = (type: string): Subject | undefined => SUBJECTS.find((each) => each.type === plainType(type));
const counterOf = (type: string, id: number) => subjectOf(type)?.counters.find((each) => each.id === id);
const isOneOf = <T extends string>(value: string, all: readonly T[]): value is T => (all as readonly string[]).includes(value);

function leaf(expression: Data): { type: string | undefined; trigger: Trigger } | undefined {
  const type = plainType(expression.type);
  switch (expression._typeName) {
    case 'StateAlarmExpression':
      if (!subjectOf(type)?.states.some((each) => each.path === expression.statePath)) return undefined;
      return { type, trigger: { kind: 'state', path: expression.statePath, isEqual: expression.operator === 'isEqual', yellow: expression.yellow, red: expression.red } };
    case 'MetricAlarmExpression': {
      const counter = counterOf(type, expression.metric?.counterId);
      // Two times, and parts of minutes, are beyond the form.
      const [yellow_s, red_s] = [expression.yellow === undefined ? undefined : (expression.yellowInterval ?? 0), expression.red === undefined ? undefined : (expression.redInterval ?? 0)];
      const seconds = red_s ?? yellow_s ?? 0;
      if (!counter || (yellow_s !== undefined && yellow_s !== seconds) || seconds % 60 !== 0) return undefined;
      const limit = (value: number | undefined) => (value === undefined ? undefined : value / counter.factor);
      return { type, trigger: { kind: 'figure', counter: counter.id, isAbove: expression.operator === 'isAbove', yellow: limit(expression.yellow), red: limit(expression.red), minutes: seconds / 60 } };
    }
    case 'EventAlarmExpression':
      if ((expression.comparisons ?? []).length > 0 || !isOneOf<Level>(expression.status, ['yellow', 'red', 'green'])) return undefined;
      return { type: expression.objectType ? plainType(expression.objectType) : undefined, trigger: { kind: 'event', event: plainType(expression.eventType).replace(/^event\./, ''), eventId: expression.eventTypeId || undefined, level: expression.status } };
    default: return undefined;
  }
}

/** Undefined: the form can't show it. */
export function definitionOf(expression: Data): Definition | undefined {
  const isCombined = ['OrAlarmExpression', 'AndAlarmExpression'].includes(expression?._typeName);
  const parts = ((isCombined ? expression.expression : [expression]) as Data[]).map(leaf);
  const type = parts.find((each) => each?.type)?.type;
  if (!type || !subjectOf(type) || parts.some((each) => !each || each.type !== type)) return undefined;
  return { type, combine: expression._typeName === 'AndAlarmExpression' ? 'all' : 'any', triggers: parts.map((each) => each!.trigger) };
}

function expressionOfTrigger(type: string, trigger: Trigger): Data {
  const limits = (yellow: unknown, red: unknown) => ({ ...(yellow === undefined ? {} : { yellow }), ...(red === undefined ? {} : { red }) });
  if (trigger.kind === 'state') {
    return { _typeName: 'StateAlarmExpression', operator: trigger.isEqual ? 'isEqual' : 'isUnequal', type, statePath: trigger.path, ...limits(trigger.yellow, trigger.red) };
  }
  if (trigger.kind === 'event') {
    return { _typeName: 'EventAlarmExpression', eventType: trigger.event, ...(trigger.eventId ? { eventTypeId: trigger.eventId } : {}), objectType: type, status: trigger.level };
  }
  const factor = counterOf(type, trigger.counter)?.factor ?? 1;
  const limit = (value: number | undefined) => (value === undefined ? undefined : Math.round(value * factor));
  return {
    _typeName: 'MetricAlarmExpression', operator: trigger.isAbove ? 'isAbove' : 'isBelow', type,
    metric: { _typeName: 'PerfMetricId', counterId: trigger.counter, instance: '' },
    ...limits(limit(trigger.yellow), limit(trigger.red)),
    ...(trigger.yellow === undefined || trigger.minutes === 0 ? {} : { yellowInterval: trigger.minutes * 60 }),
    ...(trigger.red === undefined || trigger.minutes === 0 ? {} : { redInterval: trigger.minutes * 60 }),
  };
}

export function expressionOf(definition: Definition): Data {
  const parts = definition.triggers.map((each) => expressionOfTrigger(definition.type, each));
  return { _typeName: definition.combine === 'all' ? 'AndAlarmExpression' : 'OrAlarmExpression', expression: parts };
}

/** Why it can't be saved yet. */
export function definitionIsLacking(definition: Definition): string | undefined {
  if (definition.triggers.length === 0) return 'What triggers it?';
  for (const trigger of definition.triggers) {
    if (trigger.kind === 'event') {
      if (!trigger.event) return 'Which event?';
      continue;
    }
    if (trigger.yellow === undefined && trigger.red === undefined) return 'Each trigger needs a warning or an alert.';
    if (trigger.kind === 'state') {
      if (trigger.yellow === trigger.red) return 'Warning and alert are the same.';
      continue;
    }
    const { yellow, red, minutes } = trigger;
    if ([yellow, red].some((each) => each !== undefined && (Number.isNaN(each) || each < 0))) return 'A limit is no number.';
    if (!Number.isInteger(minutes) || minutes < 0) return 'For how many minutes?';
    if (yellow !== undefined && red !== undefined && (trigger.isAbove ? yellow > red : yellow < red)) return 'The alert comes before the warning.';
  }
  if (definition.triggers.every((each) => each.kind === 'event' && each.level === 'green')) return 'Nothing raises it.';
  return undefined;
}

/** The first trigger that one would think of. */
export function newTrigger(type: string, kind: Trigger['kind']): Trigger {
  const subject = subjectOf(type)!;
  if (kind === 'figure') return { kind, counter: subject.counters[0]?.id ?? 0, isAbove: true, yellow: 75, red: 90, minutes: 5 };
  if (kind === 'state') return { kind, path: subject.states[0]?.path ?? '', isEqual: true, red: subject.states[0]?.values[1] };
  return { kind, event: '', level: 'red' };
}

/** What triggers of a type can be about. */
export function kindsFor(type: string): Trigger['kind'][] {
  const subject = subjectOf(type);
  return [...(subject?.counters.length ? (['figure'] as const) : []), ...(subject?.states.length ? (['state'] as const) : []), 'event'];
}

export const stateWords = (value: string) => (value === 'true' ? 'Yes' : value === 'false' ? 'No' : words(value));

function triggerWords(type: string, trigger: Trigger): string {
  if (trigger.kind === 'event') return `${sentence((trigger.eventId ?? trigger.event).replace(/Event$/, ''))}${trigger.level === 'green' ? ' (ends it)' : ''}`;
  if (trigger.kind === 'state') {
    const label = subjectOf(type)?.states.find((each) => each.path === trigger.path)?.label ?? trigger.path;
    return `${label} ${trigger.isEqual ? 'is' : 'is not'} ${[trigger.red, trigger.yellow].filter((each) => each !== undefined).map((each) => stateWords(each).toLowerCase()).join(' or ')}`;
  }
  const counter = counterOf(type, trigger.counter);
  const limits = [trigger.yellow, trigger.red].filter((each) => each !== undefined).map((each) => `${number(each, 1)} ${counter?.unit ?? ''}`);
  return `${counter?.label ?? trigger.counter} ${trigger.isAbove ? 'above' : 'below'} ${limits.join(' / ')}${trigger.minutes ? ` for ${trigger.minutes} min` : ''}`;
}

/** What an alarm watches, in words. */
export function expressionWords(expression: Data): string {
  const definition = definitionOf(expression);
  if (!definition) return 'More than can be shown here: made by another client';
  return definition.triggers.map((each) => triggerWords(definition.type, each)).join(definition.combine === 'all' ? ', and ' : ', or ');
}

/** An alarm's definition as a spec says it: what is read back may be sent again. */
export function specOf(info: Data, changes: Data = {}): Data {
  const { name, systemName, description, enabled, expression, actionFrequency, setting } = info;
  return { _typeName: 'AlarmSpec', name, systemName, description, enabled, expression, actionFrequency, setting, ...changes };
}
