// The last hour of one object, though hosts know only what they measured themselves: a machine that
// has moved goes on with what this page has seen of it before, and what is older than that comes
// from the center, which keeps one figure in five minutes. Pure.
import type { Series } from './performance';

/** Times in seconds since 1970, each with the length of what was measured. */
export interface Sample {
  time: number;
  interval_s: number;
  /** By counter name. */
  values: Map<string, number>;
}

const LIVE_S = 20;
const COARSE_S = 300;
const HOUR_S = 3600;

/** Samples that were measured for `interval_s` each. */
export function samplesOf(series: Series, interval_s: number): Sample[] {
  return series.times.map((time, index) => {
    const values = new Map<string, number>();
    for (const [name, list] of series.values) if (list[index] !== undefined) values.set(name, list[index]);
    return { time, interval_s, values };
  });
}

/** What was known, and what the host says now; nothing is older than an hour. */
export function withLive(before: readonly Sample[], live: Series, now_s: number): Sample[] {
  const fresh = samplesOf(live, LIVE_S);
  const begins = fresh[0]?.time ?? Infinity;
  return [...before.filter((each) => each.time < begins), ...fresh].filter((each) => each.time > now_s - HOUR_S);
}

/** Whether an hour's beginning is missing. */
export function lacksBeginning(samples: readonly Sample[], now_s: number): boolean {
  const first = samples[0];
  return !first || first.time - first.interval_s > now_s - HOUR_S + 2 * COARSE_S;
}

// The server writes -1 where a sample is missing.
const saysSomething = (sample: Sample) => [...sample.values.values()].some((each) => each >= 0);

/** Puts what the center has kept before the first sample. */
export function withKept(samples: readonly Sample[], kept: Series, now_s: number): Sample[] {
  const first = samples[0];
  const begins = first ? first.time - first.interval_s : Infinity;
  return [...samplesOf(kept, COARSE_S).filter((each) => saysSomething(each) && each.time <= begins && each.time > now_s - HOUR_S), ...samples];
}
