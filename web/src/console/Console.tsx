// A machine's console: its screen, and each serial port that listens.
import { lazy, Suspense, type ReactNode } from 'react';
import type { Data } from '../api/client';
import { useDetail, useEntity } from '../store/hooks';
import type { Entity } from '../store/inventory';
import { go, link, useRoute } from '../store/route';
import { Empty } from '../ui/Panel';

const Screen = lazy(() => import('./Screen'));
const Serial = lazy(() => import('./Serial'));

export interface ConsolePart {
  machine: Entity;
  /** Where one chooses between the screen and the serial ports; nothing if there is no choice. */
  parts: ReactNode;
}

const FIRST_PORT_KEY = 9000;

/** The serial ports that have a console: the number that tickets know, and the label. */
export function serialPorts(machine: Entity | undefined): { number: number; label: string }[] {
  const devices: Data[] = machine?.props.config?.hardware?.device ?? [];
  return devices
    .filter((each) => each._typeName === 'VirtualSerialPort' && (/PipeBackingInfo$/.test(each.backing?._typeName) || each.backing?.direction === 'server'))
    .map((each) => ({ number: each.key - FIRST_PORT_KEY, label: each.deviceInfo?.label ?? 'Serial port' }));
}

export default function Console({ id }: { id: string }) {
  const route = useRoute();
  const machine = useEntity(id);
  useDetail(machine?.ref);
  if (!machine) return <Empty title="There is no such machine" />;
  const ports = serialPorts(machine);
  const wanted = route.query.get('show');
  const port = ports.find((each) => `serial${each.number}` === wanted);
  const choose = (show?: string) => go(link(route.path, { show }), true);
  const parts = ports.length > 0 && (
    <div className="segments" role="group" aria-label="What to look at">
      <button type="button" aria-pressed={!port} onClick={() => choose()}>Screen</button>
      {ports.map((each) => (
        <button key={each.number} type="button" aria-pressed={each === port} onClick={() => choose(`serial${each.number}`)}>{each.label}</button>
      ))}
    </div>
  );
  return (
    <Suspense fallback={null}>
      {port ? <Serial key={port.number} machine={machine} parts={parts} port={port.number} /> : <Screen machine={machine} parts={parts} />}
    </Suspense>
  );
}
