// Which properties the one stream watches: few for the tree at once, the grids' columns next, and
// the rest only of the object that is open.
import type { MoRef } from '../api/client';

type Paths = Record<string, string[]>;

const ENTITY = ['name', 'parent'];

export const TREE: Paths = {
  Folder: [...ENTITY, 'childType'],
  Datacenter: [...ENTITY, 'vmFolder', 'hostFolder', 'datastoreFolder', 'networkFolder'],
  ComputeResource: [...ENTITY, 'resourcePool', 'host'],
  ClusterComputeResource: [...ENTITY, 'resourcePool', 'host'],
  ResourcePool: [...ENTITY, 'owner'],
  HostSystem: [...ENTITY, 'runtime.connectionState', 'runtime.inMaintenanceMode', 'runtime.powerState'],
  VirtualMachine: [...ENTITY, 'runtime.powerState', 'runtime.host'],
  Datastore: [...ENTITY, 'summary.accessible', 'summary.type'],
  Network: [...ENTITY],
};

export const COLUMNS: Paths = {
  Folder: ['effectiveRole'],
  Datacenter: ['effectiveRole', 'overallStatus'],
  ComputeResource: ['effectiveRole', 'overallStatus'],
  ClusterComputeResource: [
    'effectiveRole', 'overallStatus', 'summary.numHosts', 'summary.numEffectiveHosts', 'summary.totalCpu',
    'summary.totalMemory', 'summary.numCpuCores', 'datastore', 'network',
  ],
  ResourcePool: ['effectiveRole', 'vm', 'config'],
  HostSystem: [
    'effectiveRole', 'overallStatus', 'summary.hardware.model', 'summary.hardware.vendor', 'summary.hardware.cpuModel',
    'summary.hardware.numCpuCores', 'summary.hardware.numCpuThreads', 'summary.hardware.cpuMhz',
    'summary.hardware.memorySize', 'summary.quickStats.overallCpuUsage', 'summary.quickStats.overallMemoryUsage',
    'summary.quickStats.uptime', 'summary.config.product.fullName', 'datastore', 'network',
  ],
  VirtualMachine: [
    'effectiveRole', 'overallStatus', 'runtime.connectionState', 'summary.config.template', 'summary.config.numCpu', 'summary.config.memorySizeMB',
    'summary.config.guestFullName', 'summary.config.vmPathName', 'summary.quickStats.overallCpuUsage',
    'summary.quickStats.guestMemoryUsage', 'summary.quickStats.hostMemoryUsage', 'summary.quickStats.uptimeSeconds',
    'summary.storage.committed', 'guest.ipAddress', 'guest.hostName', 'guest.toolsRunningStatus', 'resourcePool',
    'datastore', 'network', 'runtime.question', 'runtime.dasVmProtection',
  ],
  Datastore: [
    'effectiveRole', 'overallStatus', 'summary.capacity', 'summary.freeSpace', 'summary.uncommitted', 'summary.url',
    'summary.multipleHostAccess', 'summary.maintenanceMode', 'host', 'vm', 'browser',
  ],
  Network: ['effectiveRole', 'overallStatus', 'host', 'vm'],
};

// What every open object tells.
const OPEN = ['permission', 'triggeredAlarmState'];

export const DETAIL: Paths = {
  Folder: [...OPEN],
  Datacenter: [...OPEN, 'datastore', 'network'],
  ComputeResource: [...OPEN, 'environmentBrowser'],
  ClusterComputeResource: [
    ...OPEN, 'summary', 'configurationEx', 'environmentBrowser', 'recommendation', 'drsFault', 'migrationHistory',
  ],
  ResourcePool: [...OPEN, 'runtime', 'summary', 'resourcePool'],
  HostSystem: [
    ...OPEN, 'summary', 'runtime', 'config.product', 'config.network.dnsConfig', 'config.network.vswitch',
    'config.network.portgroup', 'config.network.pnic', 'config.network.vnic', 'config.service', 'config.option',
    'hardware.biosInfo', 'vm', 'configIssue',
  ],
  VirtualMachine: [
    ...OPEN, 'config', 'guest', 'runtime', 'layoutEx', 'resourceConfig', 'configIssue', 'guestHeartbeatStatus',
    'summary.storage', 'summary.quickStats', 'storage',
  ],
  Datastore: [...OPEN, 'summary', 'info', 'capability'],
  Network: [...OPEN, 'summary'],
};

/** Types that only newer networks have: watched like a Network. */
const KIN: Record<string, string> = {
  DistributedVirtualPortgroup: 'Network',
  OpaqueNetwork: 'Network',
  VirtualApp: 'ResourcePool',
};

export function pathsOf(paths: Paths, type: string): string[] {
  return paths[type] ?? paths[KIN[type] ?? ''] ?? [];
}

function propSet(paths: Paths) {
  return Object.entries(paths).map(([type, pathSet]) => ({ type, pathSet }));
}

/** All entities below the root, by a view; and the root itself. */
export function entitiesSpec(view: MoRef, root: MoRef, paths: Paths) {
  return {
    propSet: propSet(paths),
    objectSet: [
      { obj: root, skip: false },
      {
        obj: view,
        skip: true,
        selectSet: [{ _typeName: 'TraversalSpec', type: 'ContainerView', path: 'view', skip: false }],
      },
    ],
  };
}

export function tasksSpec(manager: MoRef) {
  return {
    propSet: [{ type: 'Task', pathSet: ['info'] }],
    objectSet: [
      {
        obj: manager,
        skip: true,
        selectSet: [{ _typeName: 'TraversalSpec', type: 'TaskManager', path: 'recentTask', skip: false }],
      },
    ],
  };
}

export function detailSpec(object: MoRef) {
  return {
    propSet: [{ type: object.type, pathSet: pathsOf(DETAIL, object.type) }],
    objectSet: [{ obj: object, skip: false }],
  };
}
