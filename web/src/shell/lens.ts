// The four ways to look at the inventory as a tree. A lens says which children an object has in
// its tree; folders that only hold one kind below a datacenter are not shown as such.
import { inventory, type Entity } from '../store/inventory';
import { session } from '../store/session';
import type { IconName } from '../ui/Icon';

export type LensId = 'hosts' | 'vms' | 'storage' | 'networks';

export const LENSES: { id: LensId; label: string; icon: IconName }[] = [
  { id: 'hosts', label: 'Hosts and clusters', icon: 'host' },
  { id: 'vms', label: 'VMs and templates', icon: 'vm' },
  { id: 'storage', label: 'Storage', icon: 'datastore' },
  { id: 'networks', label: 'Networks', icon: 'network' },
];

const FOLDER: Record<LensId, string> = {
  hosts: 'hostFolder', vms: 'vmFolder', storage: 'datastoreFolder', networks: 'networkFolder',
};

const RANK: Record<string, number> = {
  Datacenter: 1, Folder: 0, ClusterComputeResource: 2, ComputeResource: 3, HostSystem: 3, ResourcePool: 4, VirtualMachine: 5,
};

function present(ids: Iterable<string>): Entity[] {
  const found: Entity[] = [];
  for (const id of ids) {
    const entity = inventory.get(id);
    if (entity) found.push(entity);
  }
  return found;
}

export function childrenIn(lens: LensId, entity: Entity): Entity[] {
  return ordered(unordered(lens, entity));
}

function unordered(lens: LensId, entity: Entity): Entity[] {
  switch (entity.type) {
    case 'Datacenter': {
      const folder = entity.props[FOLDER[lens]]?.value;
      return folder ? places(present(inventory.childrenOf(folder))) : [];
    }
    case 'Folder':
      return places(present(inventory.childrenOf(entity.id)));
    case 'ClusterComputeResource':
      return present(inventory.childrenOf(entity.id)).flatMap((child) =>
        child.type === 'ResourcePool' ? present(inventory.childrenOf(child.id)).filter((each) => each.type === 'ResourcePool') : [child],
      );
    case 'HostSystem':
      return lens === 'hosts' ? present(inventory.machinesOn(entity.id)) : [];
    case 'ResourcePool':
      return present(inventory.childrenOf(entity.id)).filter((each) => each.type === 'ResourcePool');
    default:
      return [];
  }
}

// A host that stands alone stands for its compute resource.
function places(children: Entity[]): Entity[] {
  return children.flatMap((child) =>
    child.type === 'ComputeResource' ? present(inventory.childrenOf(child.id)).filter((each) => each.type === 'HostSystem') : [child],
  );
}

function ordered(children: Entity[]): Entity[] {
  return children.sort((a, b) => {
    const rank = (RANK[a.type] ?? 9) - (RANK[b.type] ?? 9);
    if (rank !== 0) return rank;
    return a.sortName < b.sortName ? -1 : a.sortName > b.sortName ? 1 : 0;
  });
}

function hasChildren(lens: LensId, entity: Entity): boolean {
  if (entity.type === 'VirtualMachine' || entity.type === 'Datastore' || entity.type === 'Network') return false;
  if (entity.type === 'HostSystem') return lens === 'hosts' && inventory.machinesOn(entity.id).size > 0;
  if (entity.type === 'Folder' && inventory.childrenOf(entity.id).size > 0) return true;
  return unordered(lens, entity).length > 0;
}

export interface Node {
  entity: Entity;
  depth: number;
  opens: boolean;
  isOpen: boolean;
}

/** The tree as the list of what is in sight when nothing is scrolled away. */
export function flatten(lens: LensId, open: ReadonlySet<string>): Node[] {
  const root = inventory.get(session.content?.rootFolder?.value);
  if (!root) return [];
  const nodes: Node[] = [];
  const add = (entity: Entity, depth: number) => {
    const opens = hasChildren(lens, entity);
    const isOpen = opens && open.has(entity.id);
    nodes.push({ entity, depth, opens, isOpen });
    if (isOpen && depth < 60) for (const child of childrenIn(lens, entity)) add(child, depth + 1);
  };
  add(root, 0);
  return nodes;
}

/** The parent of an object in a lens's tree. */
export function parentIn(lens: LensId, entity: Entity): Entity | undefined {
  if (lens === 'hosts' && entity.type === 'VirtualMachine') return inventory.of(entity.props['runtime.host']);
  let at = inventory.of(entity.props.parent);
  for (let depth = 0; at && depth < 50; depth++) {
    const above = inventory.of(at.props.parent);
    const isShown = !(
      at.type === 'ComputeResource' ||
      (at.type === 'Folder' && above?.type === 'Datacenter') ||
      (at.type === 'ResourcePool' && above?.type.endsWith('ComputeResource'))
    );
    if (isShown) return at;
    at = above;
  }
  return undefined;
}

/** Which lens shows a kind of object at all. */
export function lensFor(type: string, current: LensId): LensId {
  if (type === 'VirtualMachine') return current === 'vms' ? 'vms' : 'hosts';
  if (type === 'Datastore') return 'storage';
  if (type === 'Network') return 'networks';
  if (type === 'HostSystem' || type === 'ClusterComputeResource' || type === 'ResourcePool') return 'hosts';
  return current;
}
