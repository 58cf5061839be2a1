// Performance figures: counters by name, and series of them.
import { call, get, unbox, type Data, type MoRef } from './client';
import { manager } from '../store/session';

let counters: Promise<Map<string, number>> | undefined;

/** Counter keys by "group.name.rollup". */
export function counterKeys(): Promise<Map<string, number>> {
  counters ??= get<Data[]>(manager('perfManager')!, 'perfCounter').then(
    (list) => new Map(list.map((each) => [`${each.groupInfo.key}.${each.nameInfo.key}.${each.rollupType}`, each.key])),
    (error) => {
      counters = undefined;
      throw error;
    },
  );
  return counters;
}

export interface Range {
  id: string;
  label: string;
  interval_s: number;
  length_s: number;
}

export const RANGES: Range[] = [
  { id: 'live', label: 'Last hour', interval_s: 20, length_s: 3600 },
  { id: 'day', label: 'Day', interval_s: 300, length_s: 86_400 },
  { id: 'week', label: 'Week', interval_s: 1800, length_s: 7 * 86_400 },
  { id: 'month', label: 'Month', interval_s: 7200, length_s: 30 * 86_400 },
  { id: 'year', label: 'Year', interval_s: 86_400, length_s: 365 * 86_400 },
];

export interface Series {
  /** Seconds since 1970. */
  times: number[];
  /** By counter name. */
  values: Map<string, number[]>;
}

/** One entry for each entity, in their order; empty where the server has nothing. */
export async function query(entities: MoRef[], names: string[], range: Range): Promise<Series[]> {
  const keys = await counterKeys();
  const wanted = names.filter((name) => keys.has(name));
  const start = new Date(Date.now() - range.length_s * 1000).toISOString();
  const found: Data[] =
    (await call<Data[]>(manager('perfManager')!, 'QueryPerf', {
      querySpec: entities.map((entity) => ({
        _typeName: 'PerfQuerySpec', entity, intervalId: range.interval_s, format: 'normal', startTime: start,
        metricId: wanted.map((name) => ({ _typeName: 'PerfMetricId', counterId: keys.get(name), instance: '' })),
      })),
    })) ?? [];
  return entities.map((entity) => {
    const metric = found.find((each) => each.entity.value === entity.value);
    const values = new Map<string, number[]>();
    for (const series of metric?.value ?? []) {
      const name = wanted.find((each) => keys.get(each) === series.id.counterId);
      if (name) values.set(name, unbox(series.value) ?? []);
    }
    return { times: (metric?.sampleInfo ?? []).map((each: Data) => Date.parse(each.timestamp) / 1000), values };
  });
}
