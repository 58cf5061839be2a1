// What happened to an object and all below it, newest first.
import { useEffect, useState } from 'react';
import { call, wordsFor, type Data, type MoRef } from '../api/client';
import { when } from '../format/units';
import type { Entity } from '../store/inventory';
import { manager } from '../store/session';
import { Empty } from '../ui/Panel';

const PAGE = 100;
const PAUSE_MS = 5000;

function reasonable(list: Data[]): Data[] {
  return [...new Map(list.map((each) => [each.key, each])).values()].sort((a, b) => b.key - a.key);
}

export function Events({ entity }: { entity: Entity }) {
  const [events, setEvents] = useState<Data[] | undefined>();
  const [more, setMore] = useState<(() => Promise<void>) | undefined>();
  const [error, setError] = useState('');
  const [text, setText] = useState('');

  useEffect(() => {
    let collector: MoRef | undefined;
    let current = true;
    let timer: ReturnType<typeof setTimeout>;
    const start = async () => {
      collector = await call<MoRef>(manager('eventManager')!, 'CreateCollectorForEvents', {
        filter: { _typeName: 'EventFilterSpec', entity: { _typeName: 'EventFilterSpecByEntity', entity: entity.ref, recursion: 'all' } },
      });
      await call(collector, 'SetCollectorPageSize', { maxCount: PAGE });
      const older = async () => {
        const page = (await call<Data[]>(collector!, 'ReadPreviousEvents', { maxCount: PAGE })) ?? [];
        if (!current) return;
        setEvents((before) => reasonable([...(before ?? []), ...page]));
        setMore(page.length < PAGE ? undefined : () => older);
      };
      await call(collector, 'ResetCollector');
      await older();
      const newer = async () => {
        if (!document.hidden) {
          const page = (await call<Data[]>(collector!, 'ReadNextEvents', { maxCount: PAGE })) ?? [];
          if (current && page.length > 0) setEvents((before) => reasonable([...(before ?? []), ...page]));
        }
        if (current) timer = setTimeout(() => void newer().catch(() => {}), PAUSE_MS);
      };
      void newer().catch(() => {});
    };
    start().catch((failure) => current && setError(wordsFor(failure)));
    return () => {
      current = false;
      clearTimeout(timer);
      if (collector) void call(collector, 'DestroyCollector').catch(() => {});
    };
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [entity.id]);

  if (error) return <Empty title="The events can't be read"><p>{error}</p></Empty>;
  if (!events) return null;
  const wanted = text.toLowerCase();
  const shown = events.filter((each) => !wanted || `${each.fullFormattedMessage} ${each.userName} ${each._typeName}`.toLowerCase().includes(wanted));
  return (
    <div className="events">
      <input className="input filter" type="search" placeholder="Filter events" aria-label="Filter events" value={text} onChange={(event) => setText(event.target.value)} />
      <table className="table">
        <thead><tr><th>When</th><th>What happened</th><th>Who</th><th>Kind</th></tr></thead>
        <tbody>
          {shown.map((each) => (
            <tr key={each.key}>
              <td className="nowrap">{when(each.createdTime)}</td>
              <td>{each.fullFormattedMessage}</td>
              <td>{each.userName || '–'}</td>
              <td className="dim">{String(each._typeName).replace(/Event$/, '')}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {shown.length === 0 && <Empty title={events.length === 0 ? 'Nothing has happened yet' : 'No event matches the filter'} />}
      {more && <button type="button" className="btn" onClick={() => void more()}>Older events</button>}
    </div>
  );
}
