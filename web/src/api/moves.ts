// When a machine came from another host: what hosts measure begins anew then.
import { call, type Data, type MoRef } from './client';
import { manager } from '../store/session';

export interface Move {
  /** Seconds since 1970. */
  time: number;
  from: string;
  to: string;
  /** High availability started it again: it was not moved while it ran. */
  isRestart: boolean;
}

const TYPES = ['VmMigratedEvent', 'DrsVmMigratedEvent', 'VmRestartedOnAlternateHostEvent'];

/** The latest last. */
export async function movesOf(machine: MoRef, length_s: number): Promise<Move[]> {
  const beginTime = new Date(Date.now() - length_s * 1000).toISOString();
  const events = (await call<Data[]>(manager('eventManager')!, 'QueryEvents', {
    filter: {
      _typeName: 'EventFilterSpec', eventTypeId: TYPES, time: { _typeName: 'EventFilterSpecByTime', beginTime },
      entity: { _typeName: 'EventFilterSpecByEntity', entity: machine, recursion: 'self' },
    },
  })) ?? [];
  return events
    .map((each): Move => ({ time: Date.parse(each.createdTime) / 1000, from: each.sourceHost?.name ?? 'another host', to: each.host?.name ?? '', isRestart: !/Migrated/.test(each._typeName) }))
    .sort((a, b) => a.time - b.time);
}
