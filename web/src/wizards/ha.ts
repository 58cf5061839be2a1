// High availability of a cluster in words, and what the API calls it. Pure.
import type { Data, MoRef } from '../api/client';

export const PRIORITIES: [value: string, label: string][] = [
  ['highest', 'Highest'], ['high', 'High'], ['medium', 'Medium'], ['low', 'Low'], ['lowest', 'Lowest'], ['disabled', 'Not restarted'],
];

export const RESPONSES: [value: string, label: string, hint: string][] = [
  ['none', 'Leave running', 'It goes on for as long as its host may keep it.'],
  ['shutdown', 'Shut down', 'The guest is asked to shut down; then it is started elsewhere.'],
  ['powerOff', 'Power off', 'At once; then it is started elsewhere.'],
];

/** Of a machine: the cluster's own word. */
export const AS_CLUSTER = { priority: 'clusterRestartPriority', response: 'clusterIsolationResponse' };

export const priorityWords = (value: string | undefined) => PRIORITIES.find((each) => each[0] === value)?.[1] ?? (value === AS_CLUSTER.priority ? 'As the cluster' : (value ?? '–'));
export const responseWords = (value: string | undefined) => RESPONSES.find((each) => each[0] === value)?.[1] ?? (value === AS_CLUSTER.response ? 'As the cluster' : (value ?? '–'));

export interface MachineHa {
  priority: string;
  response: string;
}

/** What is said of one machine; undefined if nothing is. */
export function machineHa(config: Data, id: string): MachineHa | undefined {
  const info = ((config?.dasVmConfig ?? []) as Data[]).find((each) => each.key?.value === id);
  if (!info) return undefined;
  return {
    priority: info.dasSettings?.restartPriority ?? info.restartPriority ?? AS_CLUSTER.priority,
    response: info.dasSettings?.isolationResponse ?? AS_CLUSTER.response,
  };
}

/** What changes the cluster's own settings. */
export function dasSpec(enabled: boolean, settings: MachineHa): Data {
  return { dasConfig: { _typeName: 'ClusterDasConfigInfo', enabled, defaultVmSettings: { _typeName: 'ClusterDasVmSettings', restartPriority: settings.priority, isolationResponse: settings.response } } };
}

/** What changes what is said of machines; nothing is said any more where both are the cluster's. */
export function machinesSpec(config: Data, machines: MoRef[], settings: MachineHa): Data {
  const isPlain = settings.priority === AS_CLUSTER.priority && settings.response === AS_CLUSTER.response;
  return {
    dasVmConfigSpec: machines.flatMap((key): Data[] => {
      const isKnown = machineHa(config, key.value) !== undefined;
      if (isPlain) return isKnown ? [{ _typeName: 'ClusterDasVmConfigSpec', operation: 'remove', removeKey: key }] : [];
      const dasSettings = { _typeName: 'ClusterDasVmSettings', restartPriority: settings.priority, isolationResponse: settings.response };
      return [{ _typeName: 'ClusterDasVmConfigSpec', operation: isKnown ? 'edit' : 'add', info: { _typeName: 'ClusterDasVmConfigInfo', key, dasSettings } }];
    }),
  };
}
