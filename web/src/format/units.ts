// Numbers for people. Absent values are an en dash, never "undefined" or 0.
import type { Data } from '../api/client';

export const NONE = '–';

// Making a format takes a hundred times as long as using it.
const FORMATS = [0, 1, 2, 3].map((digits) => new Intl.NumberFormat('en-US', { maximumFractionDigits: digits }));

/** With at most `digits` (0 to 3) decimals. */
export function number(value: number | undefined, digits = 0): string {
  return value === undefined || !Number.isFinite(value) ? NONE : FORMATS[digits]!.format(value);
}

export function bytes(value: number | undefined): string {
  if (value === undefined || value === null || !Number.isFinite(value)) return NONE;
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let size = value;
  let unit = 0;
  while (Math.abs(size) >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit++;
  }
  return `${number(size, size < 10 && unit > 0 ? 1 : 0)} ${units[unit]}`;
}

export function mebibytes(value: number | undefined): string {
  return value === undefined ? NONE : bytes(value * 1024 * 1024);
}

export function mhz(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return NONE;
  return value >= 10_000 ? `${number(value / 1000, 1)} GHz` : `${number(value)} MHz`;
}

export function percent(part: number | undefined, whole: number | undefined): string {
  if (part === undefined || !whole) return NONE;
  return `${number((100 * part) / whole)} %`;
}

export function duration(seconds: number | undefined): string {
  if (seconds === undefined || !Number.isFinite(seconds)) return NONE;
  const days = Math.floor(seconds / 86_400);
  const hours = Math.floor((seconds % 86_400) / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  if (days > 0) return `${days} d ${hours} h`;
  if (hours > 0) return `${hours} h ${minutes} min`;
  if (minutes > 0) return `${minutes} min`;
  return `${Math.round(seconds)} s`;
}

export function when(text: string | undefined): string {
  if (!text) return NONE;
  const time = new Date(text);
  const clock = time.toLocaleTimeString('en-GB');
  const today = new Date();
  if (time.toDateString() === today.toDateString()) return clock;
  return `${time.toISOString().slice(0, 10)} ${clock}`;
}

const WORDS: Record<string, string> = {
  poweredOn: 'Powered on',
  poweredOff: 'Powered off',
  suspended: 'Suspended',
  standBy: 'Standby',
  connected: 'Connected',
  disconnected: 'Disconnected',
  notResponding: 'Not responding',
  inaccessible: 'Inaccessible',
  orphaned: 'Orphaned',
  invalid: 'Invalid',
  green: 'Normal',
  yellow: 'Warning',
  red: 'Alert',
  gray: 'Unknown',
  uninitialized: 'Not set up yet',
  election: 'Being set up',
  master: 'Ready (leads)',
  connectedToMaster: 'Ready',
  networkPartitionedFromMaster: 'Sees only some of the others',
  networkIsolated: 'Cut off',
  hostDown: 'Down',
  initializationError: 'Could not be set up',
  uninitializationError: 'Could not be switched off',
  fdmUnreachable: 'Its agent does not answer',
  guestToolsRunning: 'Running',
  guestToolsNotRunning: 'Not running',
  guestToolsExecutingScripts: 'Starting or stopping',
};

/** An enumeration's value in words. */
export function words(value: Data): string {
  if (value === undefined || value === null || value === '') return NONE;
  return WORDS[value] ?? String(value);
}

/** "VirtualMachine.powerOn" as a person would say it. */
export function operation(info: Data): string {
  const id: string = info.descriptionId ?? '';
  return OPERATIONS[id] ?? sentence(id.slice(id.lastIndexOf('.') + 1) || info.name || 'Task');
}

const OPERATIONS: Record<string, string> = {
  'VirtualMachine.powerOn': 'Power on',
  'VirtualMachine.powerOff': 'Power off',
  'VirtualMachine.suspend': 'Suspend',
  'VirtualMachine.reset': 'Reset',
  'VirtualMachine.reconfigure': 'Edit hardware',
  'VirtualMachine.destroy': 'Delete machine',
  'VirtualMachine.migrate': 'Migrate',
  'VirtualMachine.relocate': 'Relocate',
  'VirtualMachine.clone': 'Clone',
  'Drm.ExecuteVMotionLRO': 'Migrate (DRS)',
  'ComputeResource.reconfigureEx': 'Edit settings',
  'Folder.createVm': 'Create machine',
  'Folder.registerVm': 'Register machine',
  'Folder.addStandaloneHost': 'Add host',
  'ClusterComputeResource.addHost': 'Add host',
  'HostSystem.enterMaintenanceMode': 'Enter maintenance mode',
  'HostSystem.exitMaintenanceMode': 'Exit maintenance mode',
  'HostSystem.reconnect': 'Reconnect host',
  'HostSystem.disconnect': 'Disconnect host',
  'Datacenter.powerOnVm': 'Power on machines',
  'ManagedEntity.destroy': 'Remove',
  'ManagedEntity.rename': 'Rename',
};

export function sentence(text: string): string {
  const spaced = text.replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase();
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}
