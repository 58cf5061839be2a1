// Device specs as the API wants them: new devices have negative keys, all different.
import { ref, type Data, type MoRef } from '../api/client';

export const GIB = 1024 ** 3;

export const GUESTS = [
  { value: 'debian12_64Guest', label: 'Debian 12 (64-bit)' },
  { value: 'ubuntu64Guest', label: 'Ubuntu Linux (64-bit)' },
  { value: 'rhel9_64Guest', label: 'Red Hat Enterprise Linux 9 (64-bit)' },
  { value: 'sles15_64Guest', label: 'SUSE Linux Enterprise 15 (64-bit)' },
  { value: 'other5xLinux64Guest', label: 'Other Linux 5.x (64-bit)' },
  { value: 'windows2019srvNext_64Guest', label: 'Windows Server 2022' },
  { value: 'windows11_64Guest', label: 'Windows 11' },
  { value: 'freebsd13_64Guest', label: 'FreeBSD 13 (64-bit)' },
  { value: 'otherGuest64', label: 'Other (64-bit)' },
];

export function added(device: Data, makesFile = false): Data {
  return {
    _typeName: 'VirtualDeviceConfigSpec', operation: 'add', device,
    ...(makesFile ? { fileOperation: 'create' } : {}),
  };
}

export function edited(device: Data): Data {
  return { _typeName: 'VirtualDeviceConfigSpec', operation: 'edit', device };
}

export function removed(device: Data, deletesFile = false): Data {
  return {
    _typeName: 'VirtualDeviceConfigSpec', operation: 'remove', device,
    ...(deletesFile ? { fileOperation: 'destroy' } : {}),
  };
}

export function scsiController(key: number): Data {
  return { _typeName: 'ParaVirtualSCSIController', key, busNumber: 0, sharedBus: 'noSharing' };
}

export function disk(key: number, controllerKey: number, unitNumber: number, capacity_bytes: number, place: string, thin = true): Data {
  return {
    _typeName: 'VirtualDisk', key, controllerKey, unitNumber,
    capacityInKB: Math.ceil(capacity_bytes / 1024), capacityInBytes: capacity_bytes,
    backing: { _typeName: 'VirtualDiskFlatVer2BackingInfo', fileName: place, diskMode: 'persistent', thinProvisioned: thin },
  };
}

export function cdrom(key: number, controllerKey: number, unitNumber: number, iso: string, connected = true): Data {
  return {
    _typeName: 'VirtualCdrom', key, controllerKey, unitNumber,
    backing: iso
      ? { _typeName: 'VirtualCdromIsoBackingInfo', fileName: iso }
      : { _typeName: 'VirtualCdromRemotePassthroughBackingInfo', deviceName: '', exclusive: false },
    connectable: { _typeName: 'VirtualDeviceConnectInfo', startConnected: Boolean(iso), connected: connected && Boolean(iso), allowGuestControl: true },
  };
}

export function nic(key: number, network: MoRef, name: string): Data {
  return {
    _typeName: 'VirtualVmxnet3', key,
    backing: { _typeName: 'VirtualEthernetCardNetworkBackingInfo', deviceName: name, network: ref(network.type, network.value) },
    connectable: { _typeName: 'VirtualDeviceConnectInfo', startConnected: true, connected: true, allowGuestControl: true },
    addressType: 'generated',
  };
}

/** A serial port whose console opens in the browser; nothing listens on the network. */
export function serialPort(key: number, name: string): Data {
  return {
    _typeName: 'VirtualSerialPort', key, yieldOnPoll: true,
    backing: { _typeName: 'VirtualSerialPortPipeBackingInfo', pipeName: name, endpoint: 'server', noRxLoss: true },
    connectable: { _typeName: 'VirtualDeviceConnectInfo', startConnected: true, connected: true, allowGuestControl: true },
  };
}

export function freeUnit(devices: Data[], controllerKey: number, most = 15): number | undefined {
  const taken = new Set(devices.filter((each) => each.controllerKey === controllerKey).map((each) => each.unitNumber));
  for (let unit = 0; unit <= most; unit++) if (unit !== 7 && !taken.has(unit)) return unit;
  return undefined;
}
