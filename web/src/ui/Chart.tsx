// A time chart by uPlot. Charts with the same `sync` share one cursor. The figures are also a
// table for who can't see the picture.
import { useEffect, useMemo, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { number } from '../format/units';

const NO_MARKS: Mark[] = [];

export interface Line {
  label: string;
  values: (number | null)[];
  /** One of --chart-1 to --chart-8. */
  color: number;
  /** Drawn on top of the one before. */
  stacked?: boolean;
}

/** Something that happened, drawn across the chart. */
export interface Mark {
  /** Seconds since 1970. */
  time: number;
  label: string;
}

export function Chart({ title, times, lines, unit, max, digits = 0, height = 170, sync = 'all', marks = NO_MARKS }: {
  title: string; times: number[]; lines: Line[]; unit: string; max?: number; digits?: number; height?: number; sync?: string; marks?: Mark[];
}) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const shape = lines.map((each) => `${each.label}/${each.color}/${each.stacked}`).join('|');
  const data = useMemo(() => stack(times, lines), [times, lines]);

  useEffect(() => {
    const element = box.current!;
    const style = getComputedStyle(document.documentElement);
    const read = (name: string) => style.getPropertyValue(name).trim();
    const make = () => {
      const axis = { stroke: read('--text-dim'), grid: { stroke: read('--line'), width: 1 }, ticks: { show: false }, font: '11px system-ui' };
      const format = (value: number | null | undefined) => (value === null || value === undefined ? '–' : `${number(value, digits)} ${unit}`);
      plot.current = new uPlot(
        {
          width: Math.max(200, element.clientWidth), height,
          cursor: { sync: { key: sync }, points: { size: 5 } },
          legend: { show: true, live: true },
          hooks: { draw: [(u) => drawMarks(u, happened.current, read('--text-dim'))] },
          scales: { x: { time: true }, y: { range: (_u, _low, high) => [0, max ?? Math.max(high * 1.1, 1)] } },
          axes: [{ ...axis, size: 28, values: (_u, ticks) => ticks.map(clock) }, { ...axis, size: 58, values: (_u, ticks) => ticks.map((each) => `${number(each, 1)}${unit === '%' ? ' %' : ''}`) }],
          series: [
            // Away from the chart the latest figures are shown.
            { label: 'At', value: (_u, value) => (value ? new Date(value * 1000).toLocaleTimeString('en-GB') : 'last') },
            ...lines.map((line, index) => {
              const color = read(`--chart-${line.color}`);
              return {
                label: line.label, stroke: color, width: 1.5, points: { show: false },
                fill: line.stacked ? color + '66' : lines.length === 1 || index === 0 ? color + '1f' : undefined,
                value: (_u: uPlot, _value: number | null, _s: number, at: number | null) => {
                  const values = latest.current[index]?.values ?? [];
                  return format(at === null ? values.findLast((each) => each !== null) : values[at]);
                },
              };
            }),
          ],
          bands: lines.flatMap((line, index) => (line.stacked && index > 0 ? [{ series: [index + 1, index] as [number, number] }] : [])),
        },
        data, element,
      );
    };
    make();
    const sizes = new ResizeObserver(() => plot.current?.setSize({ width: Math.max(200, element.clientWidth), height }));
    sizes.observe(element);
    const themes = new MutationObserver(() => {
      plot.current?.destroy();
      make();
    });
    themes.observe(document.documentElement, { attributes: true, attributeFilter: ['class'] });
    return () => {
      sizes.disconnect();
      themes.disconnect();
      plot.current?.destroy();
    };
    // Data comes by setData below; only another shape makes another plot.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [shape, unit, max, height, sync]);

  const latest = useRef(lines);
  const happened = useRef(marks);
  useEffect(() => {
    latest.current = lines;
    happened.current = marks;
    plot.current?.setData(data);
  }, [data, lines, marks]);

  const last = lines.map((line) => `${line.label} ${number(line.values.findLast((each) => each !== null) ?? undefined, digits)} ${unit}`).join(', ');
  return (
    <figure className="chart">
      <figcaption>{title} <small>{unit}</small></figcaption>
      <div ref={box} role="img" aria-label={`${title}. Latest: ${last || 'no figures'}`} />
      {times.length === 0 && <p className="chart-empty">No figures for this time yet.</p>}
    </figure>
  );
}

// Lines from top to bottom, where they are in what is shown.
function drawMarks(u: uPlot, marks: Mark[], color: string) {
  const { ctx, bbox } = u;
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = color;
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
  ctx.font = `${10 * devicePixelRatio}px system-ui`;
  for (const mark of marks) {
    const x = Math.round(u.valToPos(mark.time, 'x', true));
    if (!(x >= bbox.left && x <= bbox.left + bbox.width)) continue;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    // The label stands on the side where there is room.
    const isLeft = x > bbox.left + bbox.width * 0.7;
    ctx.textAlign = isLeft ? 'right' : 'left';
    ctx.fillText(mark.label, x + (isLeft ? -4 : 4) * devicePixelRatio, bbox.top + 10 * devicePixelRatio);
  }
  ctx.restore();
}

// The day at midnight, the time otherwise.
function clock(seconds: number): string {
  const time = new Date(seconds * 1000);
  const isMidnight = time.getHours() === 0 && time.getMinutes() === 0;
  return isMidnight ? time.toLocaleDateString('en-GB', { day: 'numeric', month: 'short' }) : time.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });
}

function stack(times: number[], lines: Line[]): uPlot.AlignedData {
  const columns: (number | null)[][] = [];
  for (const [index, line] of lines.entries()) {
    const below = columns[index - 1];
    columns.push(line.stacked && below ? line.values.map((each, at) => (each ?? 0) + (below[at] ?? 0)) : line.values);
  }
  return [times, ...columns] as uPlot.AlignedData;
}
