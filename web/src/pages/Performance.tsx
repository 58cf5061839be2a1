// Charts: the last hour as it goes on, or what history keeps.
import { Alert } from '../ui/patternfly';
import { useEffect, useMemo, useState } from 'react';
import { query, RANGES, type Range, type Series } from '../api/performance';
import { wordsFor } from '../api/client';
import { nameOf, type Entity } from '../store/inventory';
import { hostsBelow } from '../store/kinds';
import { go, link, useRoute } from '../store/route';
import { Chart, type Line } from '../ui/Chart';
import { CpuReady, readyPercent } from './CpuReady';

interface Plan {
  title: string;
  unit: string;
  digits?: number;
  max?: number;
  lines: { counter: string; label: string; color: number; scale: (value: number, range: Range, entity: Entity) => number }[];
}

const hundredths = (value: number) => value / 100;
const kibToMib = (value: number) => value / 1024;
const kibToGib = (value: number) => value / 1048576;
const same = (value: number) => value;
const ready = (value: number, range: Range, entity: Entity) => readyPercent(value, range.interval_s, entity.props['summary.config.numCpu'] ?? entity.props['summary.hardware.numCpuThreads'] ?? 1);

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

export function Performance({ entity }: { entity: Entity }) {
  const route = useRoute();
  const range = RANGES.find((each) => each.id === route.query.get('range')) ?? RANGES[0]!;
  const isSum = !['VirtualMachine', 'HostSystem'].includes(entity.type);
  const plans = entity.type === 'VirtualMachine' ? MACHINE : entity.type === 'HostSystem' ? HOST : OF_HOSTS;
  const [data, setData] = useState<{ entities: Entity[]; series: Series[]; range: Range } | undefined>();
  const [error, setError] = useState('');

  useEffect(() => {
    let current = true;
    const load = async () => {
      const entities = isSum ? hostsBelow(entity).slice(0, MOST_HOSTS) : [entity];
      const names = plans.flatMap((plan) => plan.lines.map((line) => line.counter));
      try {
        const series = entities.length > 0 ? await query(entities.map((each) => each.ref), names, range) : [];
        if (current) {
          setData({ entities, series, range });
          setError('');
        }
      } catch (failure) {
        if (current) setError(wordsFor(failure));
      }
    };
    void load();
    const timer = setInterval(() => !document.hidden && void load(), Math.min(range.interval_s, 60) * 1000);
    return () => {
      current = false;
      clearInterval(timer);
    };
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [entity.id, range, isSum, plans]);

  const charts = useMemo(() => (data ? plans.map((plan) => chartOf(plan, data, isSum)) : []), [data, plans, isSum]);
  return (
    <div className="performance">
      <div className="segments" role="group" aria-label="Time shown">
        {RANGES.map((each) => (
          <button key={each.id} type="button" aria-pressed={each === range} onClick={() => go(link(route.path, { ...Object.fromEntries(route.query), range: each.id }), true)}>{each.label}</button>
        ))}
      </div>
      {error && <Alert isInline variant="danger" title={error} />}
      {entity.type === 'VirtualMachine' && <CpuReady entity={entity} />}
      <div className="charts">
        {charts.map(({ plan, times, lines }) => (
          <Chart key={plan.title} title={plan.title} times={times} lines={lines} unit={plan.unit} digits={plan.digits} max={plan.max} />
        ))}
      </div>
    </div>
  );
}

function chartOf(plan: Plan, data: { entities: Entity[]; series: Series[]; range: Range }, isSum: boolean) {
  const times = data.series.reduce<number[]>((longest, each) => (each.times.length > longest.length ? each.times : longest), []);
  const lines: Line[] = data.entities.flatMap((entity, index) =>
    plan.lines.flatMap((line) => {
      const series = data.series[index]!;
      const values = series.values.get(line.counter);
      if (!values) return [];
      const at = new Map(series.times.map((time, position) => [time, values[position]]));
      return [{
        label: isSum ? nameOf(entity) : line.label, color: isSum ? (index % 8) + 1 : line.color, stacked: isSum,
        values: times.map((time) => {
          const value = at.get(time);
          // The server writes -1 where a sample is missing.
          return value === undefined || value < 0 ? null : line.scale(value, data.range, entity);
        }),
      }];
    }),
  );
  return { plan, times, lines };
}
