// What can be done to virtual machines.
import { call, type MoRef } from '../api/client';
import { openConsole } from '../console/open';
import { inventory, nameOf, type Entity } from '../store/inventory';
import { link, go } from '../store/route';
import { session } from '../store/session';
import { openDialog } from '../ui/dialogs';
import { EditHardware } from '../wizards/EditHardware';
import { MigrateWizard } from '../wizards/MigrateWizard';
import { Confirm } from './Confirm';
import type { Action } from './registry';
import { Rename } from './Rename';

const KIND = ['VirtualMachine'];

function power(entity: Entity): string {
  return entity.props['runtime.powerState'];
}

function unreachable(entity: Entity): string | undefined {
  const state = entity.props['runtime.connectionState'];
  if (state === 'disconnected') return `The host of ${nameOf(entity)} is disconnected.`;
  if (state === 'inaccessible') return `The files of ${nameOf(entity)} can't be reached.`;
  if (state && state !== 'connected') return `${nameOf(entity)} is ${state}.`;
  return undefined;
}

function isTemplate(entity: Entity): boolean {
  return entity.props['summary.config.template'] === true;
}

const needs = (states: string[], why: string) => (entity: Entity) =>
  unreachable(entity) ??
  (isTemplate(entity) ? `${nameOf(entity)} is a template.` : states.includes(power(entity)) ? undefined : `${nameOf(entity)} ${why}.`);

const needsTools = (entity: Entity) =>
  needs(['poweredOn'], 'is not powered on')(entity) ??
  (entity.props['guest.toolsRunningStatus'] === 'guestToolsRunning' ? undefined : `No guest agent answers in ${nameOf(entity)}.`);

function each(method: string, parameters = {}) {
  return async (entities: Entity[]) => {
    const failures: unknown[] = [];
    for (const entity of entities) {
      await call<MoRef>(entity.ref, method, parameters).catch((error) => failures.push(error));
    }
    if (failures.length > 0) throw failures[0];
  };
}

const confirmed = (title: string, text: string, label: string, run: (entities: Entity[]) => Promise<unknown>) => (entities: Entity[]) =>
  openDialog((close) => (
    <Confirm title={title} text={text} label={label} entities={entities} run={() => run(entities)} close={close} />
  ));

export const machineActions: Action[] = [
  {
    id: 'vm.powerOn', label: 'Power on', icon: 'play', kinds: KIND, group: 1, bulk: true, privilege: 'VirtualMachine.Interact.PowerOn',
    reason: needs(['poweredOff', 'suspended'], 'is on already'), run: each('PowerOnVM_Task'),
  },
  {
    id: 'vm.shutdown', label: 'Shut down guest', icon: 'stop', kinds: KIND, group: 1, bulk: true, privilege: 'VirtualMachine.Interact.PowerOff',
    reason: needsTools, run: each('ShutdownGuest'),
  },
  {
    id: 'vm.reboot', label: 'Restart guest', icon: 'reset', kinds: KIND, group: 1, bulk: true, privilege: 'VirtualMachine.Interact.Reset',
    reason: needsTools, run: each('RebootGuest'),
  },
  {
    id: 'vm.suspend', label: 'Suspend', icon: 'pause', kinds: KIND, group: 1, bulk: true, privilege: 'VirtualMachine.Interact.Suspend',
    reason: needs(['poweredOn'], 'is not powered on'), run: each('SuspendVM_Task'),
  },
  {
    id: 'vm.powerOff', label: 'Power off', icon: 'stop', kinds: KIND, group: 2, bulk: true, danger: true, privilege: 'VirtualMachine.Interact.PowerOff',
    reason: needs(['poweredOn', 'suspended'], 'is off already'),
    run: confirmed('Power off', 'This is like pulling the plug: what the guest has not written to its disks is lost.', 'Power off', each('PowerOffVM_Task')),
  },
  {
    id: 'vm.reset', label: 'Reset', icon: 'reset', kinds: KIND, group: 2, bulk: true, danger: true, privilege: 'VirtualMachine.Interact.Reset',
    reason: needs(['poweredOn'], 'is not powered on'),
    run: confirmed('Reset', 'This is like the reset button: what the guest has not written to its disks is lost.', 'Reset', each('ResetVM_Task')),
  },
  {
    id: 'vm.console', label: 'Open console', icon: 'console', kinds: KIND, group: 3, privilege: 'VirtualMachine.Interact.ConsoleInteract',
    reason: needs(['poweredOn'], 'is not powered on'), run: ([machine]) => openConsole(machine!),
  },
  {
    id: 'vm.edit', label: 'Edit hardware…', icon: 'edit', kinds: KIND, group: 4, privilege: 'VirtualMachine.Config.EditDevice',
    reason: unreachable, run: ([machine]) => openDialog((close) => <EditHardware machine={machine!} close={close} />),
  },
  {
    id: 'vm.migrate', label: 'Migrate…', icon: 'move', kinds: KIND, group: 4, bulk: true, privilege: 'Resource.HotMigrate',
    visible: () => session.isCenter || inventory.ofType('Datastore').size > 1, reason: unreachable,
    run: (machines) => openDialog((close) => <MigrateWizard machines={machines} close={close} />),
  },
  {
    id: 'vm.rename', label: 'Rename…', kinds: KIND, group: 5, privilege: 'VirtualMachine.Config.Rename', reason: unreachable,
    run: ([machine]) => openDialog((close) => <Rename entity={machine!} close={close} />),
  },
  {
    id: 'vm.unregister', label: 'Remove from inventory…', kinds: KIND, group: 6, bulk: true, danger: true, privilege: 'VirtualMachine.Inventory.Unregister',
    reason: (entity) => (power(entity) === 'poweredOff' ? undefined : `${nameOf(entity)} must be powered off first.`),
    run: confirmed('Remove from inventory', 'The files stay on the datastore; register the machine again at any time.', 'Remove', each('UnregisterVM')),
  },
  {
    id: 'vm.destroy', label: 'Delete from disk…', icon: 'trash', kinds: KIND, group: 6, bulk: true, danger: true, privilege: 'VirtualMachine.Inventory.Delete',
    reason: (entity) => unreachable(entity) ?? (power(entity) === 'poweredOff' ? undefined : `${nameOf(entity)} must be powered off first.`),
    run: confirmed('Delete from disk', 'The machine and all its disks are deleted. This cannot be undone.', 'Delete', async (machines) => {
      const open = location.hash;
      await each('Destroy_Task')(machines);
      const gone = machines.find((machine) => open.includes(`/${machine.id}/`));
      const host = inventory.of(gone?.props['runtime.host']);
      if (gone) go(host ? link(['host', host.id, 'related']) : link(['list', 'vm']));
    }),
  },
];
