// Ready time beside the guest's CPU: when a host is saturated, what a guest says of its own CPU
// misleads, because it does not know of the time in which it was not run.
import { Alert } from '../ui/patternfly';
import { query, RANGES, type Series } from '../api/performance';
import { number } from '../format/units';
import { useEffect, useState } from 'react';
import type { Entity } from '../store/inventory';

export const SATURATED_PERCENT = 5;
const SAMPLES = 6;

/** Percent of the time in which the machine's CPUs wanted to run and were not run. */
export function readyPercent(summation_ms: number, interval_s: number, cpus: number): number {
  return Math.min(100, summation_ms / (interval_s * 10 * Math.max(1, cpus)));
}

export function recentReady(series: Series, cpus: number): { ready: number; used: number } | undefined {
  const ready = series.values.get('cpu.ready.summation')?.slice(-SAMPLES) ?? [];
  const used = series.values.get('cpu.usage.average')?.slice(-SAMPLES) ?? [];
  if (ready.length === 0) return undefined;
  const mean = (list: number[]) => list.reduce((sum, each) => sum + Math.max(0, each), 0) / Math.max(1, list.length);
  return { ready: readyPercent(mean(ready), 20, cpus), used: mean(used) / 100 };
}

export function CpuReady({ entity }: { entity: Entity }) {
  const isOn = entity.props['runtime.powerState'] === 'poweredOn';
  const cpus = entity.props['summary.config.numCpu'] ?? 1;
  const [state, setState] = useState<{ ready: number; used: number } | undefined>();
  const reference = entity.ref;
  useEffect(() => {
    if (!isOn) return setState(undefined);
    let current = true;
    const load = () =>
      query([reference], ['cpu.ready.summation', 'cpu.usage.average'], { ...RANGES[0]!, length_s: 180 }).then(
        ([series]) => current && series && setState(recentReady(series, cpus)),
        () => {},
      );
    void load();
    const timer = setInterval(load, 20_000);
    return () => {
      current = false;
      clearInterval(timer);
    };
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [isOn, reference.value, cpus]);
  if (!state || state.ready < SATURATED_PERCENT) return null;
  return (
    <Alert isInline variant="warning" title={`This machine waits for a CPU ${number(state.ready)} % of the time: its host is saturated.`}>
      It gets {number(state.used)} % of its CPUs. What the guest itself shows as CPU use or idle time misleads now, because it does not know when it is not run.
      Migrate machines away from this host, or give this one more shares.
    </Alert>
  );
}
