// What can be done to folders, datacenters and clusters.
import { call } from '../api/client';
import { inventory, nameOf, type Entity } from '../store/inventory';
import { session } from '../store/session';
import { openDialog } from '../ui/dialogs';
import { AddHost } from '../wizards/AddHost';
import { CreateMachine } from '../wizards/CreateMachine';
import { EditDrs } from '../wizards/EditDrs';
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
      if (hostsBelow(entity) > 0) return `Remove the hosts of ${nameOf(entity)} first.`;
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

function hostsBelow(entity: Entity): number {
  let count = 0;
  for (const host of inventory.all('HostSystem')) {
    let at: Entity | undefined = host;
    for (let depth = 0; at && depth < 50; depth++) {
      if (at.id === entity.id) {
        count++;
        break;
      }
      at = inventory.of(at.props.parent);
    }
  }
  return count;
}
