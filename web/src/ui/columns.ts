// What grids can show of each kind. A column's `value` sorts and filters; `show` says what stands
// in the cell. Cells are data: the grid draws them (`cells.ts`), always as text.
import { bytes, duration, mebibytes, mhz, number, percent, words } from '../format/units';
import { inventory, nameOf, type Entity } from '../store/inventory';
import { iconOf, linkTo, markOf } from '../store/kinds';
import type { Cell, Look } from './cells';

export interface Column {
  id: string;
  title: string;
  width: number;
  value: (entity: Entity) => string | number | undefined;
  /** What is shown, if it is not the value. */
  show?: (entity: Entity) => Cell;
  /** How it is drawn: as text, if nothing is said. */
  look?: Look;
  right?: boolean;
  /** The properties that a value to be searched is made of: text columns of long lists say so. */
  reads?: string[];
}

const prop = (entity: Entity, path: string) => entity.props[path];

const bar = (share: number, text: string): Cell => ({ text, share });

const NAME: Column = {
  id: 'name', title: 'Name', width: 240, value: (e) => e.sortName, look: 'name', reads: ['name'],
  show: (e) => ({ text: nameOf(e), href: linkTo(e), icon: iconOf(e), mark: markOf(e) }),
};

const related = (id: string, title: string, path: string): Column => ({
  id, title, width: 130, look: 'link', reads: [path],
  value: (e) => nameOf(inventory.of(prop(e, path))),
  show: (e) => {
    const other = inventory.of(prop(e, path));
    return other ? { text: nameOf(other), href: linkTo(other) } : { text: '' };
  },
});

const STATUS: Column = {
  id: 'status', title: 'Status', width: 90, look: 'status', value: (e) => words(prop(e, 'overallStatus')), reads: ['overallStatus'],
  show: (e) => ({ text: words(prop(e, 'overallStatus')), status: prop(e, 'overallStatus') ?? 'gray' }),
};

export function hostCpuTotal(e: Entity): number | undefined {
  const cores = prop(e, 'summary.hardware.numCpuCores');
  const speed = prop(e, 'summary.hardware.cpuMhz');
  return cores && speed ? cores * speed : undefined;
}

export function machineState(e: Entity): string {
  const connection = prop(e, 'runtime.connectionState');
  if (connection && connection !== 'connected') return words(connection);
  return words(prop(e, 'runtime.powerState'));
}

export function hostState(e: Entity): string {
  const connection = prop(e, 'runtime.connectionState');
  if (connection !== 'connected') return words(connection);
  return prop(e, 'runtime.inMaintenanceMode') ? 'Maintenance' : 'Connected';
}

const VM: Column[] = [
  NAME,
  {
    id: 'power', title: 'State', width: 122, look: 'status', value: machineState, reads: ['runtime.connectionState', 'runtime.powerState'],
    show: (e) => ({ text: machineState(e), status: `power-${(prop(e, 'runtime.connectionState') ?? 'connected') === 'connected' ? prop(e, 'runtime.powerState') : 'bad'}` }),
  },
  STATUS,
  related('host', 'Host', 'runtime.host'),
  { id: 'cpus', title: 'CPUs', width: 60, right: true, value: (e) => prop(e, 'summary.config.numCpu'), show: (e) => ({ text: number(prop(e, 'summary.config.numCpu')) }) },
  { id: 'cpu', title: 'CPU use', width: 90, right: true, value: (e) => prop(e, 'summary.quickStats.overallCpuUsage'), show: (e) => ({ text: mhz(prop(e, 'summary.quickStats.overallCpuUsage')) }) },
  { id: 'memory', title: 'Memory', width: 90, right: true, value: (e) => prop(e, 'summary.config.memorySizeMB'), show: (e) => ({ text: mebibytes(prop(e, 'summary.config.memorySizeMB')) }) },
  { id: 'memuse', title: 'Mem use', width: 90, right: true, value: (e) => prop(e, 'summary.quickStats.hostMemoryUsage'), show: (e) => ({ text: mebibytes(prop(e, 'summary.quickStats.hostMemoryUsage')) }) },
  { id: 'disk', title: 'Storage', width: 90, right: true, value: (e) => prop(e, 'summary.storage.committed'), show: (e) => ({ text: bytes(prop(e, 'summary.storage.committed')) }) },
  { id: 'address', title: 'IP address', width: 120, value: (e) => prop(e, 'guest.ipAddress'), reads: ['guest.ipAddress'] },
  { id: 'guest', title: 'Guest system', width: 190, value: (e) => prop(e, 'summary.config.guestFullName'), reads: ['summary.config.guestFullName'] },
  { id: 'uptime', title: 'Up for', width: 90, right: true, value: (e) => prop(e, 'summary.quickStats.uptimeSeconds'), show: (e) => ({ text: duration(prop(e, 'summary.quickStats.uptimeSeconds') || undefined) }) },
];

const HOST: Column[] = [
  NAME,
  { id: 'state', title: 'State', width: 110, look: 'status', value: hostState, reads: ['runtime.connectionState', 'runtime.inMaintenanceMode'], show: (e) => ({ text: hostState(e), status: `host-${hostState(e).toLowerCase().replace(' ', '-')}` }) },
  STATUS,
  { id: 'vms', title: 'Machines', width: 92, right: true, value: (e) => inventory.machinesOn(e.id).size },
  {
    id: 'cpu', title: 'CPU use', width: 150, look: 'bar', value: (e) => (prop(e, 'summary.quickStats.overallCpuUsage') ?? 0) / (hostCpuTotal(e) ?? Infinity),
    show: (e) => bar((prop(e, 'summary.quickStats.overallCpuUsage') ?? 0) / (hostCpuTotal(e) ?? Infinity), percent(prop(e, 'summary.quickStats.overallCpuUsage'), hostCpuTotal(e))),
  },
  {
    id: 'mem', title: 'Memory use', width: 150, look: 'bar', value: (e) => ((prop(e, 'summary.quickStats.overallMemoryUsage') ?? 0) * 1048576) / (prop(e, 'summary.hardware.memorySize') || Infinity),
    show: (e) => {
      const used = (prop(e, 'summary.quickStats.overallMemoryUsage') ?? 0) * 1048576;
      const all = prop(e, 'summary.hardware.memorySize');
      return bar(used / (all || Infinity), percent(used, all));
    },
  },
  { id: 'cores', title: 'Cores', width: 70, right: true, value: (e) => prop(e, 'summary.hardware.numCpuCores'), show: (e) => ({ text: number(prop(e, 'summary.hardware.numCpuCores')) }) },
  { id: 'memory', title: 'Memory', width: 90, right: true, value: (e) => prop(e, 'summary.hardware.memorySize'), show: (e) => ({ text: bytes(prop(e, 'summary.hardware.memorySize')) }) },
  { id: 'product', title: 'Version', width: 170, value: (e) => prop(e, 'summary.config.product.fullName'), reads: ['summary.config.product.fullName'] },
  { id: 'uptime', title: 'Up for', width: 90, right: true, value: (e) => prop(e, 'summary.quickStats.uptime'), show: (e) => ({ text: duration(prop(e, 'summary.quickStats.uptime')) }) },
];

const used = (e: Entity) => (prop(e, 'summary.capacity') ?? 0) - (prop(e, 'summary.freeSpace') ?? 0);

const DATASTORE: Column[] = [
  NAME,
  { id: 'accessible', title: 'State', width: 110, value: (e) => (prop(e, 'summary.accessible') === false ? 'Inaccessible' : 'Accessible'), reads: ['summary.accessible'] },
  STATUS,
  { id: 'type', title: 'Type', width: 80, value: (e) => prop(e, 'summary.type'), reads: ['summary.type'] },
  { id: 'capacity', title: 'Capacity', width: 90, right: true, value: (e) => prop(e, 'summary.capacity'), show: (e) => ({ text: bytes(prop(e, 'summary.capacity')) }) },
  { id: 'free', title: 'Free', width: 90, right: true, value: (e) => prop(e, 'summary.freeSpace'), show: (e) => ({ text: bytes(prop(e, 'summary.freeSpace')) }) },
  { id: 'use', title: 'Used', width: 150, look: 'bar', value: (e) => used(e) / (prop(e, 'summary.capacity') || Infinity), show: (e) => bar(used(e) / (prop(e, 'summary.capacity') || Infinity), percent(used(e), prop(e, 'summary.capacity'))) },
  { id: 'hosts', title: 'Hosts', width: 70, right: true, value: (e) => prop(e, 'host')?.length },
  { id: 'vms', title: 'Machines', width: 80, right: true, value: (e) => prop(e, 'vm')?.length ?? 0 },
];

const NETWORK: Column[] = [
  NAME, STATUS,
  { id: 'hosts', title: 'Hosts', width: 80, right: true, value: (e) => prop(e, 'host')?.length },
  { id: 'vms', title: 'Machines', width: 80, right: true, value: (e) => prop(e, 'vm')?.length },
];

const CLUSTER: Column[] = [
  NAME, STATUS,
  { id: 'hosts', title: 'Hosts', width: 80, right: true, value: (e) => prop(e, 'summary.numHosts') },
  { id: 'ready', title: 'In use', width: 80, right: true, value: (e) => prop(e, 'summary.numEffectiveHosts') },
  { id: 'cpu', title: 'CPU', width: 100, right: true, value: (e) => prop(e, 'summary.totalCpu'), show: (e) => ({ text: mhz(prop(e, 'summary.totalCpu')) }) },
  { id: 'memory', title: 'Memory', width: 100, right: true, value: (e) => prop(e, 'summary.totalMemory'), show: (e) => ({ text: bytes(prop(e, 'summary.totalMemory')) }) },
];

export const COLUMNS_OF: Record<string, Column[]> = {
  VirtualMachine: VM,
  HostSystem: HOST,
  Datastore: DATASTORE,
  Network: NETWORK,
  ClusterComputeResource: CLUSTER,
};

export function columnsOf(type: string): Column[] {
  return COLUMNS_OF[type] ?? [NAME, STATUS];
}
