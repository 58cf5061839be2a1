// What belongs to an object, as the same grids that list everything.
import type { Data } from '../api/client';
import { useCallback } from 'react';
import { inventory, type Entity } from '../store/inventory';
import { hostsBelow, kindOf } from '../store/kinds';
import { go, link, useRoute } from '../store/route';
import { ListOf } from './ListPage';
import type { TabProps } from './tabs';

const PARTS: Record<string, string[]> = {
  VirtualMachine: ['HostSystem', 'Datastore', 'Network'],
  HostSystem: ['VirtualMachine', 'Datastore', 'Network'],
  Datastore: ['VirtualMachine', 'HostSystem'],
  Network: ['VirtualMachine', 'HostSystem'],
  ClusterComputeResource: ['HostSystem', 'VirtualMachine', 'Datastore', 'Network'],
  ResourcePool: ['VirtualMachine'],
};
const PLACE = ['VirtualMachine', 'HostSystem', 'ClusterComputeResource', 'Datastore', 'Network'];

const many = (references: Data[] | undefined) => (references ?? []).map((each) => inventory.of(each.key ?? each)).filter((each): each is Entity => Boolean(each));

function relatedOf(entity: Entity, type: string): Entity[] {
  const p = entity.props;
  if (entity.type === 'VirtualMachine') {
    if (type === 'HostSystem') return many(p['runtime.host'] ? [p['runtime.host']] : []);
    return many(type === 'Datastore' ? p.datastore : p.network);
  }
  if (entity.type === 'Datastore' || entity.type === 'Network') return many(type === 'VirtualMachine' ? p.vm : p.host);
  if (entity.type === 'ResourcePool') return many(p.vm);
  if (entity.type === 'Folder' && type === 'VirtualMachine' && p.childType?.includes('VirtualMachine')) return below(entity, type);
  if (entity.type === 'HostSystem' && type === 'VirtualMachine') return [...inventory.machinesOn(entity.id)].map((id) => inventory.get(id)!);
  if (entity.type === 'HostSystem') return many(type === 'Datastore' ? p.datastore : p.network);
  const hosts = hostsBelow(entity);
  if (type === 'HostSystem') return hosts;
  if (type === 'ClusterComputeResource') return below(entity, type);
  if (type === 'VirtualMachine') return hosts.flatMap((host) => [...inventory.machinesOn(host.id)].map((id) => inventory.get(id)!));
  const path = type === 'Datastore' ? 'datastore' : 'network';
  return [...new Map(hosts.flatMap((host) => many(host.props[path])).map((each) => [each.id, each])).values()];
}

function below(place: Entity, type: string): Entity[] {
  const found: Entity[] = [];
  const walk = (id: string, depth: number) => {
    for (const child of inventory.childrenOf(id)) {
      const entity = inventory.get(child);
      if (entity?.type === type) found.push(entity);
      else if (entity && depth < 50) walk(child, depth + 1);
    }
  };
  walk(place.id, 0);
  return found;
}

export function Related({ entity }: TabProps) {
  const route = useRoute();
  const parts = PARTS[entity.type] ?? PLACE;
  const type = parts.find((each) => kindOf(each).slug === route.query.get('show')) ?? parts[0]!;
  const rows = useCallback(() => relatedOf(inventory.get(entity.id) ?? entity, type), [entity, type]);
  return (
    <>
      <div className="subtabs" role="group" aria-label="What is related">
        {parts.map((each) => (
          <button key={each} type="button" aria-pressed={each === type} onClick={() => go(link(route.path, { show: kindOf(each).slug }), true)}>{kindOf(each).many}</button>
        ))}
      </div>
      <ListOf key={type} name={`related.${type}`} type={type} rows={rows} />
    </>
  );
}
