import { describe, expect, it } from 'vitest';
import type { Series } from './performance';
import { lacksBeginning, withKept, withLive, type Sample } from './recent';

const NOW = 100_000;
const series = (times: number[], value: number): Series => ({ times, values: new Map([['cpu', times.map(() => value)]]) });
const shown = (samples: Sample[]) => samples.map((each) => [each.time - NOW, each.interval_s, each.values.get('cpu')]);

describe('the last hour', () => {
  it('is the answer, as long as nothing was known', () => {
    expect(shown(withLive([], series([NOW - 40, NOW - 20], 1), NOW))).toEqual([[-40, 20, 1], [-20, 20, 1]]);
  });
  it('goes on where another host begins', () => {
    const before = withLive([], series([NOW - 60, NOW - 40], 1), NOW);
    expect(shown(withLive(before, series([NOW - 20], 2), NOW))).toEqual([[-60, 20, 1], [-40, 20, 1], [-20, 20, 2]]);
    expect(shown(withLive(before, series([], 2), NOW))).toEqual([[-60, 20, 1], [-40, 20, 1]]);
  });
  it('believes the host about what both know', () => {
    const before = withLive([], series([NOW - 60, NOW - 40], 1), NOW);
    expect(shown(withLive(before, series([NOW - 40, NOW - 20], 2), NOW))).toEqual([[-60, 20, 1], [-40, 20, 2], [-20, 20, 2]]);
  });
  it('forgets what is older than an hour', () => {
    const before = withLive([], series([NOW - 60], 1), NOW);
    expect(withLive(before, series([], 1), NOW + 3600)).toEqual([]);
  });
  it('asks for what was before, only where something is missing', () => {
    expect(lacksBeginning([], NOW)).toBe(true);
    expect(lacksBeginning(withLive([], series([NOW - 60], 1), NOW), NOW)).toBe(true);
    expect(lacksBeginning(withLive([], series([NOW - 3500], 1), NOW), NOW)).toBe(false);
  });
  it('takes what is missing for nothing', () => {
    expect(withKept([], series([NOW - 600, NOW - 300], -1), NOW)).toEqual([]);
  });
  it('puts what was kept before what is known, without telling anything twice', () => {
    const live = withLive([], series([NOW - 320, NOW - 300], 2), NOW);
    const kept = series([NOW - 4000, NOW - 640, NOW - 340, NOW - 40], 9);
    expect(shown(withKept(live, kept, NOW))).toEqual([[-640, 300, 9], [-340, 300, 9], [-320, 20, 2], [-300, 20, 2]]);
  });
});
