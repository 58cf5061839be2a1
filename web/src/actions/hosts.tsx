// What can be done to hosts.
import { call } from '../api/client';
import { inventory, nameOf, type Entity } from '../store/inventory';
import { session } from '../store/session';
import { openDialog } from '../ui/dialogs';
import { AddDatastore } from '../wizards/AddDatastore';
import { CreateMachine } from '../wizards/CreateMachine';
import { Maintenance } from '../wizards/Maintenance';
import { Confirm } from './Confirm';
import type { Action } from './registry';

const KIND = ['HostSystem'];
const connected = (host: Entity) =>
  host.props['runtime.connectionState'] === 'connected' ? undefined : `${nameOf(host)} is not connected.`;
const inMaintenance = (host: Entity) => host.props['runtime.inMaintenanceMode'] === true;

export const hostActions: Action[] = [
  {
    id: 'host.newVm', label: 'New virtual machine…', icon: 'plus', kinds: KIND, group: 1,
    reason: (host) => connected(host) ?? (inMaintenance(host) ? `${nameOf(host)} is in maintenance mode.` : undefined),
    run: ([host]) => openDialog((close) => <CreateMachine place={host} close={close} />),
  },
  {
    id: 'host.newDatastore', label: 'Add datastore…', icon: 'datastore', kinds: KIND, group: 1, bulk: true, privilege: 'Host.Config.Storage',
    reason: connected,
    run: (hosts) => openDialog((close) => <AddDatastore hosts={hosts} close={close} />),
  },
  {
    id: 'host.maintenance', label: 'Enter maintenance mode…', icon: 'wrench', kinds: KIND, group: 2, privilege: 'Host.Config.Maintenance',
    reason: (host) => connected(host) ?? (inMaintenance(host) ? `${nameOf(host)} is in maintenance mode already.` : undefined),
    run: ([host]) => openDialog((close) => <Maintenance host={host!} close={close} />),
  },
  {
    id: 'host.leaveMaintenance', label: 'Exit maintenance mode', icon: 'check', kinds: KIND, group: 2, bulk: true, privilege: 'Host.Config.Maintenance',
    reason: (host) => connected(host) ?? (inMaintenance(host) ? undefined : `${nameOf(host)} is not in maintenance mode.`),
    run: async (hosts) => {
      for (const host of hosts) await call(host.ref, 'ExitMaintenanceMode_Task', { timeout: 0 });
    },
  },
  {
    id: 'host.disconnect', label: 'Disconnect', kinds: KIND, group: 3, bulk: true, privilege: 'Host.Config.Connection', visible: () => session.isCenter,
    reason: (host) => (host.props['runtime.connectionState'] === 'disconnected' ? `${nameOf(host)} is disconnected already.` : undefined),
    run: async (hosts) => {
      for (const host of hosts) await call(host.ref, 'DisconnectHost_Task');
    },
  },
  {
    id: 'host.reconnect', label: 'Connect', kinds: KIND, group: 3, bulk: true, privilege: 'Host.Config.Connection', visible: () => session.isCenter,
    reason: (host) => (host.props['runtime.connectionState'] === 'connected' ? `${nameOf(host)} is connected already.` : undefined),
    run: async (hosts) => {
      for (const host of hosts) await call(host.ref, 'ReconnectHost_Task');
    },
  },
  {
    id: 'host.remove', label: 'Remove from inventory…', icon: 'trash', kinds: KIND, group: 4, danger: true, privilege: 'Host.Inventory.RemoveHostFromCluster',
    visible: () => session.isCenter,
    reason: (host) => {
      const parent = inventory.of(host.props.parent);
      if (parent?.type === 'ClusterComputeResource' && !inMaintenance(host) && host.props['runtime.connectionState'] === 'connected') {
        return `Put ${nameOf(host)} into maintenance mode, or disconnect it, first.`;
      }
      return undefined;
    },
    run: (hosts) =>
      openDialog((close) => (
        <Confirm title="Remove from inventory" text="The host and its machines run on; the center forgets them and what was recorded of them."
          label="Remove" entities={hosts} close={close}
          run={async () => {
            for (const host of hosts) {
              const parent = inventory.of(host.props.parent);
              await call(parent?.type === 'ComputeResource' ? parent.ref : host.ref, 'Destroy_Task');
            }
          }} />
      )),
  },
];
