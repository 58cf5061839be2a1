// Charts: the last hour as it goes on, or what history keeps.
import { Alert } from '../ui/patternfly';
import { useEffect, useMemo, useState } from 'react';
import { movesOf, type Move } from '../api/moves';
import { query, RANGES, type Range } from '../api/performance';
import { lacksBeginning, samplesOf, withKept, withLive, type Sample } from '../api/recent';
import { wordsFor } from '../api/client';
import { when } from '../format/units';
import { useLoaded } from '../store/hooks';
import { nameOf, type Entity } from '../store/inventory';
import { hostsBelow } from '../store/kinds';
import { go, link, useRoute } from '../store/route';
import { session } from '../store/session';
import { Chart, type Line } from '../ui/Chart';
import { CpuReady, readyPercent } from './CpuReady';

interface Plan {
  title: string;
  unit: string;
  digits?: number;
  max?: number;
  lines: { counter: string; label: string; color: number; scale: (value: number, interval_s: number, entity: Entity) => number }[];
}

const hundredths = (value: number) => value / 100;
const kibToMib = (value: number) => value / 1024;
const kibToGib = (value: number) => value / 1048576;
const same = (value: number) => value;
const ready = (value: number, interval_s: number, entity: Entity) => readyPercent(value, interval_s, entity.props['summary.config.numCpu'] ?? entity.props['summary.hardware.numCpuThreads'] ?? 1);

const MACHINE: Plan[] = [
  {
    title: 'CPU: what it got, and what it waited for', unit: '%', digits: 1,
    lines: [
      { counter: 'cpu.usage.average', label: 'Used', color: 1, scale: hundredths },
      { counter: 'cpu.ready.summation', label: 'Ready (waiting)', color: 4, scale: ready },
    ],
  },
  {
    title: 'Memory', unit: 'MiB',
    lines: [
      { counter: 'mem.consumed.average', label: 'Consumed', color: 1, scale: kibToMib },
      { counter: 'mem.active.average', label: 'Active', color: 2, scale: kibToMib },
      { counter: 'mem.shared.average', label: 'Shared', color: 3, scale: kibToMib },
      { counter: 'mem.vmmemctl.average', label: 'Ballooned', color: 4, scale: kibToMib },
    ],
  },
  {
    title: 'Disk', unit: 'KiB/s',
    lines: [
      { counter: 'disk.read.average', label: 'Read', color: 1, scale: same },
      { counter: 'disk.write.average', label: 'Written', color: 2, scale: same },
    ],
  },
  {
    title: 'Network', unit: 'KiB/s',
    lines: [
      { counter: 'net.received.average', label: 'Received', color: 1, scale: same },
      { counter: 'net.transmitted.average', label: 'Sent', color: 2, scale: same },
    ],
  },
];

const HOST: Plan[] = [
  { title: 'CPU', unit: '%', digits: 1, lines: [{ counter: 'cpu.usage.average', label: 'Used', color: 1, scale: hundredths }] },
  {
    title: 'Memory', unit: 'GiB', digits: 1,
    lines: [
      { counter: 'mem.consumed.average', label: 'Consumed', color: 1, scale: kibToGib },
      { counter: 'mem.active.average', label: 'Active', color: 2, scale: kibToGib },
      { counter: 'mem.shared.average', label: 'Shared', color: 3, scale: kibToGib },
      { counter: 'mem.vmmemctl.average', label: 'Ballooned', color: 4, scale: kibToGib },
    ],
  },
  { title: 'Disk', unit: 'KiB/s', lines: [{ counter: 'disk.read.average', label: 'Read', color: 1, scale: same }, { counter: 'disk.write.average', label: 'Written', color: 2, scale: same }] },
  { title: 'Network', unit: 'KiB/s', lines: [{ counter: 'net.received.average', label: 'Received', color: 1, scale: same }, { counter: 'net.transmitted.average', label: 'Sent', color: 2, scale: same }] },
];

const OF_HOSTS: Plan[] = [
  { title: 'CPU by host', unit: 'MHz', lines: [{ counter: 'cpu.usagemhz.average', label: '', color: 1, scale: same }] },
  { title: 'Memory by host', unit: 'GiB', digits: 1, lines: [{ counter: 'mem.consumed.average', label: '', color: 1, scale: kibToGib }] },
];

const MOST_HOSTS = 8;
const NO_MOVES: Move[] = [];
const [LIVE, DAY] = RANGES as [Range, Range];

/** What is drawn of one object. */
interface Shown {
  entity: Entity;
  samples: Sample[];
}

// What this page has seen of machines, for when they move: of the latest few, and of one user.
const seen = new Map<string, Sample[]>();
const MOST_SEEN = 30;

function keep(key: string, samples: Sample[]) {
  seen.delete(key);
  seen.set(key, samples);
  for (const oldest of seen.keys()) {
    if (seen.size <= MOST_SEEN) break;
    seen.delete(oldest);
  }
}

async function load(entities: Entity[], names: string[], range: Range): Promise<Shown[]> {
  if (entities.length === 0) return [];
  const found = await query(entities.map((each) => each.ref), names, range);
  const now_s = Date.now() / 1000;
  return Promise.all(entities.map(async (entity, index): Promise<Shown> => {
    if (entity.type !== 'VirtualMachine' || range !== LIVE || !session.isCenter) return { entity, samples: samplesOf(found[index]!, range.interval_s) };
    const key = `${session.snapshot().user} ${entity.id}`;
    const live = withLive(seen.get(key) ?? [], found[index]!, now_s);
    keep(key, live);
    if (!lacksBeginning(live, now_s)) return { entity, samples: live };
    const kept = await query([entity.ref], names, { ...DAY, length_s: LIVE.length_s });
    return { entity, samples: withKept(live, kept[0]!, now_s) };
  }));
}

/** Says that the machine has moved, and what that means for what is shown. */
function MoveNote({ moves, range, samples, isOn }: { moves: Move[]; range: Range; samples: Sample[]; isOn: boolean }) {
  const last = moves.at(-1);
  if (!last) return null;
  const what = last.isRestart ? `${last.to} started it again` : `It moved from ${last.from} to ${last.to}`;
  const isCoarse = samples.some((each) => each.interval_s > range.interval_s);
  const hasOwn = samples.some((each) => each.time > last.time);
  const means = range !== LIVE ? '' : [
    hasOwn || !isOn ? '' : ` ${last.to} has measured nothing of it yet: its first figures come within half a minute.`,
    isCoarse ? ' What is older is shown as the center keeps it: one figure in five minutes.' : samples.some((each) => each.time <= last.time) ? '' : ' Nothing is kept of the minutes before.',
  ].join('');
  return <Alert isInline isPlain variant="info" title={`${what} at ${when(new Date(last.time * 1000).toISOString())}.${means}`} />;
}

export function Performance({ entity }: { entity: Entity }) {
  const route = useRoute();
  const range = RANGES.find((each) => each.id === route.query.get('range')) ?? RANGES[0]!;
  // A machine that has moved is asked for at once.
  const place: string | undefined = entity.props['runtime.host']?.value;
  const isSum = !['VirtualMachine', 'HostSystem'].includes(entity.type);
  const plans = entity.type === 'VirtualMachine' ? MACHINE : entity.type === 'HostSystem' ? HOST : OF_HOSTS;
  const [data, setData] = useState<Shown[] | undefined>();
  const [error, setError] = useState('');

  useEffect(() => {
    let current = true;
    const update = async () => {
      const entities = isSum ? hostsBelow(entity).slice(0, MOST_HOSTS) : [entity];
      const names = plans.flatMap((plan) => plan.lines.map((line) => line.counter));
      try {
        const shown = await load(entities, names, range);
        if (current) {
          setData(shown);
          setError('');
        }
      } catch (failure) {
        if (current) setError(wordsFor(failure));
      }
    };
    void update();
    const timer = setInterval(() => !document.hidden && void update(), Math.min(range.interval_s, 60) * 1000);
    return () => {
      current = false;
      clearInterval(timer);
    };
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [entity.id, range, isSum, plans, place]);
  const mayMove = entity.type === 'VirtualMachine' && session.isCenter;
  const moves = useLoaded(async () => (mayMove ? movesOf(entity.ref, range.length_s) : []), [entity.id, range, mayMove, place]).value ?? NO_MOVES;

  const charts = useMemo(() => (data ? plans.map((plan) => chartOf(plan, data, isSum)) : []), [data, plans, isSum]);
  const marks = useMemo(() => moves.map((each) => ({ time: each.time, label: `to ${each.to}` })), [moves]);
  return (
    <div className="performance">
      <div className="segments" role="group" aria-label="Time shown">
        {RANGES.map((each) => (
          <button key={each.id} type="button" aria-pressed={each === range} onClick={() => go(link(route.path, { ...Object.fromEntries(route.query), range: each.id }), true)}>{each.label}</button>
        ))}
      </div>
      {error && <Alert isInline variant="danger" title={error} />}
      {entity.type === 'VirtualMachine' && <CpuReady entity={entity} />}
      {data && <MoveNote moves={moves} range={range} samples={data[0]?.samples ?? []} isOn={entity.props['runtime.powerState'] === 'poweredOn'} />}
      <div className="charts">
        {charts.map(({ plan, times, lines }) => (
          <Chart key={plan.title} title={plan.title} times={times} lines={lines} unit={plan.unit} digits={plan.digits} max={plan.max} marks={marks} />
        ))}
      </div>
    </div>
  );
}

function chartOf(plan: Plan, data: Shown[], isSum: boolean) {
  const longest = data.reduce<Sample[]>((most, each) => (each.samples.length > most.length ? each.samples : most), []);
  const times = longest.map((each) => each.time);
  const lines: Line[] = data.flatMap(({ entity, samples }, index) =>
    plan.lines.flatMap((line) => {
      if (!samples.some((each) => each.values.has(line.counter))) return [];
      const at = new Map(samples.map((each) => [each.time, each]));
      return [{
        label: isSum ? nameOf(entity) : line.label, color: isSum ? (index % 8) + 1 : line.color, stacked: isSum,
        values: times.map((time) => {
          const sample = at.get(time);
          const value = sample?.values.get(line.counter);
          // The server writes -1 where a sample is missing.
          return sample === undefined || value === undefined || value < 0 ? null : line.scale(value, sample.interval_s, entity);
        }),
      }];
    }),
  );
  return { plan, times, lines };
}
