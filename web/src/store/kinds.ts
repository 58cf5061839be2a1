// The kinds of objects that the client shows: their address, words and icon.
import type { IconName } from '../ui/Icon';
import { session } from './session';
import { inventory, nameOf, type Entity } from './inventory';
import { link } from './route';

export interface Kind {
  slug: string;
  one: string;
  many: string;
  icon: IconName;
}

export const KINDS: Record<string, Kind> = {
  VirtualMachine: { slug: 'vm', one: 'machine', many: 'Virtual machines', icon: 'vm' },
  HostSystem: { slug: 'host', one: 'host', many: 'Hosts', icon: 'host' },
  ClusterComputeResource: { slug: 'cluster', one: 'cluster', many: 'Clusters', icon: 'cluster' },
  ComputeResource: { slug: 'compute', one: 'host', many: 'Stand-alone hosts', icon: 'host' },
  Datacenter: { slug: 'datacenter', one: 'datacenter', many: 'Datacenters', icon: 'datacenter' },
  Folder: { slug: 'folder', one: 'folder', many: 'Folders', icon: 'folder' },
  ResourcePool: { slug: 'pool', one: 'resource pool', many: 'Resource pools', icon: 'pool' },
  Datastore: { slug: 'datastore', one: 'datastore', many: 'Datastores', icon: 'datastore' },
  Network: { slug: 'network', one: 'network', many: 'Networks', icon: 'network' },
};

const OTHER: Kind = { slug: 'object', one: 'object', many: 'Objects', icon: 'folder' };

export function kindOf(type: string): Kind {
  return KINDS[type] ?? OTHER;
}

export function typeOfSlug(slug: string): string | undefined {
  return Object.keys(KINDS).find((type) => KINDS[type]!.slug === slug);
}

export function linkTo(entity: Entity | { type: string; id: string }, tab = 'summary', query = {}): string {
  return link([kindOf(entity.type).slug, entity.id, tab], query);
}

export function iconOf(entity: Entity): IconName {
  if (entity.type === 'VirtualMachine' && entity.props['summary.config.template']) return 'template';
  if (entity.type === 'Folder' && entity.id === session.content?.rootFolder?.value) return 'center';
  return kindOf(entity.type).icon;
}

export function titleOf(entity: Entity | undefined): string {
  if (!entity) return '';
  if (entity.id === session.content?.rootFolder?.value) return session.content.about?.name ?? nameOf(entity);
  return nameOf(entity);
}

/** What a small mark on the icon says: running, paused, an alarm, wrong. */
export function markOf(entity: Entity): 'on' | 'paused' | 'warn' | 'bad' | 'maintenance' | undefined {
  const connection = entity.props['runtime.connectionState'];
  if (connection && connection !== 'connected') return 'bad';
  if (entity.props['runtime.inMaintenanceMode']) return 'maintenance';
  const status = entity.props.overallStatus;
  if (entity.props['summary.accessible'] === false || status === 'red') return 'bad';
  if (status === 'yellow') return 'warn';
  const power = entity.props['runtime.powerState'];
  if (entity.type === 'VirtualMachine' && power === 'poweredOn') return 'on';
  if (power === 'suspended') return 'paused';
  return undefined;
}

/** The chain of parents, nearest last, without the folders that a datacenter hides. */
export function ancestorsOf(entity: Entity): Entity[] {
  const chain: Entity[] = [];
  let at = inventory.of(entity.props.parent);
  for (let depth = 0; at && depth < 50; depth++) {
    const parent = inventory.of(at.props.parent);
    const isHidden =
      (at.type === 'Folder' && parent?.type === 'Datacenter') ||
      (at.type === 'ComputeResource' && entity.type === 'HostSystem') ||
      (at.type === 'ResourcePool' && parent !== undefined && parent.type.endsWith('ComputeResource') && entity.type === 'ResourcePool');
    if (!isHidden) chain.unshift(at);
    at = parent;
  }
  return chain;
}

export function datacenterOf(entity: Entity | undefined): Entity | undefined {
  let at = entity;
  for (let depth = 0; at && depth < 50; depth++) {
    if (at.type === 'Datacenter') return at;
    at = inventory.of(at.props.parent);
  }
  return undefined;
}

/** All hosts at or below a place; of a resource pool, those that its machines may run on. */
export function hostsBelow(place: Entity): Entity[] {
  return inventory.all('HostSystem').filter((host) => {
    let at: Entity | undefined = host;
    for (let depth = 0; at && depth < 50; depth++) {
      if (at.id === place.id) return true;
      at = inventory.of(at.props.parent);
    }
    return place.type === 'ResourcePool' && place.props.owner?.value === host.props.parent?.value;
  });
}
