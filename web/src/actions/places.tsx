// What can be done to folders, datacenters and clusters.
import { call } from '../api/client';
import { inventory, nameOf, type Entity } from '../store/inventory';
import { datacenterOf, hostsBelow } from '../store/kinds';
import { session } from '../store/session';
import { openDialog } from '../ui/dialogs';
import { AddDatastore } from '../wizards/AddDatastore';
import { AddHost } from '../wizards/AddHost';
import { CreateMachine } from '../wizards/CreateMachine';
import { EditDrs } from '../wizards/EditDrs';
import { EditHa } from '../wizards/EditHa';
import { NewPlace } from '../wizards/NewPlace';
import { Confirm } from './Confirm';
import type { Action } from './registry';
import { Rename } from './Rename';

const holdsKind = (entity: Entity, kind: string) => Boolean(entity.props.childType?.includes(kind));
const isHostPlace = (entity: Entity) => session.isCenter && (entity.type !== 'Folder' || holdsKind(entity, 'ComputeResource'));
const isRoot = (entity: Entity) => entity.id === session.content?.rootFolder?.value;
const isFixed = (entity: Entity) => isRoot(entity) || inventory.of(entity.props.parent)?.type === 'Datacenter';

export const placeActions: Action[] = [
  {
    id: 'place.newVm', label: 'New virtual machine…', icon: 'plus', kinds: ['Datacenter', 'ClusterComputeResource', 'Folder', 'ResourcePool'], group: 1,
    visible: (entity) => entity.type !== 'Folder' || holdsKind(entity, 'VirtualMachine'),
    reason: () => (inventory.ofType('HostSystem').size === 0 ? 'Add a host first.' : undefined),
    run: ([place]) => openDialog((close) => <CreateMachine place={place} close={close} />),
  },
  {
    id: 'place.newDatastore', label: 'Add datastore…', icon: 'datastore', kinds: ['Datacenter', 'ClusterComputeResource', 'Folder'], group: 1,
    visible: (entity) => entity.type !== 'Folder' || holdsKind(entity, 'Datastore'),
    reason: (entity) => (hostsFor(entity).length === 0 ? 'No host is connected here.' : undefined),
    run: ([place]) => openDialog((close) => <AddDatastore hosts={hostsFor(place!)} close={close} />),
  },
  {
    id: 'place.newDatacenter', label: 'New datacenter…', icon: 'datacenter', kinds: ['Folder'], group: 2, privilege: 'Datacenter.Create',
    visible: (entity) => session.isCenter && holdsKind(entity, 'Datacenter'),
    run: ([folder]) => openDialog((close) => <NewPlace what="datacenter" folder={folder!} close={close} />),
  },
  {
    id: 'place.newCluster', label: 'New cluster…', icon: 'cluster', kinds: ['Datacenter', 'Folder'], group: 2, privilege: 'Host.Inventory.CreateCluster',
    visible: isHostPlace,
    run: ([place]) => openDialog((close) => <NewPlace what="cluster" folder={hostFolderOf(place!)} close={close} />),
  },
  {
    id: 'place.addHost', label: 'Add host…', icon: 'host', kinds: ['Datacenter', 'Folder', 'ClusterComputeResource'], group: 2,
    visible: isHostPlace,
    run: ([place]) => openDialog((close) => <AddHost place={hostFolderOf(place!)} close={close} />),
  },
  {
    id: 'place.newFolder', label: 'New folder…', icon: 'folder', kinds: ['Folder'], group: 2, privilege: 'Folder.Create',
    visible: () => session.isCenter,
    run: ([folder]) => openDialog((close) => <NewPlace what="folder" folder={folder!} close={close} />),
  },
  {
    id: 'cluster.drs', label: 'Edit DRS…', icon: 'edit', kinds: ['ClusterComputeResource'], group: 4, privilege: 'Host.Inventory.EditCluster',
    visible: () => session.isCenter,
    run: ([cluster]) => openDialog((close) => <EditDrs cluster={cluster!} close={close} />),
  },
  {
    id: 'cluster.ha', label: 'Edit HA…', icon: 'edit', kinds: ['ClusterComputeResource'], group: 4, privilege: 'Host.Inventory.EditCluster',
    visible: () => session.isCenter,
    run: ([cluster]) => openDialog((close) => <EditHa cluster={cluster!} close={close} />),
  },
  {
    id: 'place.rename', label: 'Rename…', kinds: ['Datacenter', 'Folder', 'ClusterComputeResource', 'ResourcePool', 'Datastore', 'Network'], group: 5,
    visible: (entity) => session.isCenter || entity.type === 'Datastore' || entity.type === 'ResourcePool',
    reason: (entity) => (isFixed(entity) && entity.type === 'Folder' ? 'This folder belongs to its datacenter and keeps its name.' : undefined),
    run: ([entity]) => openDialog((close) => <Rename entity={entity!} close={close} />),
  },
  {
    id: 'place.remove', label: 'Remove…', icon: 'trash', kinds: ['Datacenter', 'Folder', 'ClusterComputeResource'], group: 6, danger: true,
    visible: (entity) => session.isCenter && !isRoot(entity),
    reason: (entity) => {
      if (entity.type === 'Folder' && isFixed(entity)) return 'This folder belongs to its datacenter.';
      if (hostsBelow(entity).length > 0) return `Remove the hosts of ${nameOf(entity)} first.`;
      return undefined;
    },
    run: (entities) =>
      openDialog((close) => (
        <Confirm title="Remove" text="It is removed from the inventory with everything below it." label="Remove" entities={entities} close={close}
          run={() => call(entities[0]!.ref, 'Destroy_Task')} />
      )),
  },
];

export function hostFolderOf(place: Entity): Entity {
  return place.type === 'Datacenter' ? (inventory.of(place.props.hostFolder) ?? place) : place;
}

/** The connected hosts whose datastores stand in this place. */
function hostsFor(place: Entity): Entity[] {
  const around = place.type === 'Folder' ? (datacenterOf(place) ?? place) : place;
  return hostsBelow(around).filter((host) => host.props['runtime.connectionState'] === 'connected');
}
