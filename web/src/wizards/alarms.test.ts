import { describe, expect, it } from 'vitest';
import type { Data } from '../api/client';
import { definitionIsLacking, definitionOf, expressionOf, expressionWords, kindsFor, newTrigger, specOf, type Definition } from './alarms';

const CPU: Data = {
  _typeName: 'MetricAlarmExpression', operator: 'isAbove', type: 'HostSystem', metric: { _typeName: 'PerfMetricId', counterId: 2, instance: '' },
  yellow: 7500, yellowInterval: 300, red: 9000, redInterval: 300,
};
const LOST: Data = {
  _typeName: 'AndAlarmExpression', expression: [
    { _typeName: 'StateAlarmExpression', operator: 'isEqual', type: 'HostSystem', statePath: 'runtime.connectionState', red: 'notResponding' },
    { _typeName: 'StateAlarmExpression', operator: 'isUnequal', type: 'HostSystem', statePath: 'runtime.powerState', red: 'standBy' },
  ],
};
const EVENT: Data = {
  _typeName: 'OrAlarmExpression', expression: [
    { _typeName: 'EventAlarmExpression', eventType: 'VmPoweredOffEvent', objectType: 'VirtualMachine', status: 'red' },
    { _typeName: 'EventAlarmExpression', eventType: 'VmPoweredOnEvent', objectType: 'VirtualMachine', status: 'green' },
  ],
};

describe('definitions of alarms', () => {
  it('are read and written again as they were', () => {
    expect(expressionOf(definitionOf(LOST)!)).toEqual(LOST);
    expect(expressionOf(definitionOf(EVENT)!)).toEqual(EVENT);
    expect(expressionOf(definitionOf(CPU)!)).toEqual({ _typeName: 'OrAlarmExpression', expression: [CPU] });
  });
  it('say what they watch', () => {
    expect(expressionWords(CPU)).toBe('CPU use above 75 % / 90 % for 5 min');
    expect(expressionWords(LOST)).toBe('Connection is not responding, and Power is not standby');
    expect(expressionWords(EVENT)).toBe('Vm powered off, or Vm powered on (ends it)');
  });
  it('are left alone where the form has no word for them', () => {
    const nested = { _typeName: 'OrAlarmExpression', expression: [LOST] };
    const mixed = { _typeName: 'OrAlarmExpression', expression: [CPU, { ...CPU, type: 'VirtualMachine' }] };
    for (const each of [nested, mixed, { ...CPU, redInterval: 60 }, { ...CPU, metric: { counterId: 999 } }, { ...EVENT.expression[0], comparisons: [{}] }]) {
      expect(definitionOf(each)).toBeUndefined();
    }
  });
  it('say what they lack', () => {
    const made = (trigger: Definition['triggers'][number]): Definition => ({ type: 'HostSystem', combine: 'any', triggers: [trigger] });
    const figure = newTrigger('HostSystem', 'figure');
    expect(definitionIsLacking(made(figure))).toBeUndefined();
    expect(definitionIsLacking({ ...made(figure), triggers: [] })).toBe('What triggers it?');
    expect(definitionIsLacking(made({ ...figure, yellow: 95 } as typeof figure))).toBe('The alert comes before the warning.');
    expect(definitionIsLacking(made({ ...figure, yellow: Number.NaN } as typeof figure))).toBe('A limit is no number.');
    expect(definitionIsLacking(made({ kind: 'event', event: '', level: 'red' }))).toBe('Which event?');
    expect(definitionIsLacking(made({ kind: 'event', event: 'x', level: 'green' }))).toBe('Nothing raises it.');
    expect(definitionIsLacking(made({ kind: 'state', path: 'runtime.powerState', isEqual: true }))).toBe('Each trigger needs a warning or an alert.');
  });
  it('know what can be watched of what', () => {
    expect(kindsFor('VirtualMachine')).toEqual(['figure', 'state', 'event']);
    expect(kindsFor('Datacenter')).toEqual(['event']);
  });
  it('are sent with nothing but what a spec has', () => {
    const info = { _typeName: 'AlarmInfo', name: 'x', description: '', enabled: true, expression: CPU, key: 'alarm-1', alarm: {}, entity: {} };
    expect(specOf(info, { enabled: false })).toEqual({ _typeName: 'AlarmSpec', name: 'x', description: '', enabled: false, expression: CPU });
  });
});
