// The tasks of an object and all below it, from the server's history.
import { call, localizedWords, wordsFor, type Data, type MoRef } from '../api/client';
import { operation, when } from '../format/units';
import { useLoaded, useTasks } from '../store/hooks';
import type { Entity } from '../store/inventory';
import { manager } from '../store/session';
import { Empty } from '../ui/Panel';

async function history(entity: Entity): Promise<Data[]> {
  const collector = await call<MoRef>(manager('taskManager')!, 'CreateCollectorForTasks', {
    filter: { _typeName: 'TaskFilterSpec', entity: { _typeName: 'TaskFilterSpecByEntity', entity: entity.ref, recursion: 'all' } },
  });
  try {
    await call(collector, 'ResetCollector');
    return (await call<Data[]>(collector, 'ReadPreviousTasks', { maxCount: 200 })) ?? [];
  } finally {
    void call(collector, 'DestroyCollector').catch(() => {});
  }
}

export function TasksOf({ entity }: { entity: Entity }) {
  const newest = useTasks()[0]?.info;
  const found = useLoaded(() => history(entity), [entity.id, newest?.key, newest?.state]);
  if (found.error) return <Empty title="The tasks can't be read"><p>{wordsFor(found.error)}</p></Empty>;
  if (!found.value) return null;
  const rows = [...found.value].sort((a, b) => Date.parse(b.queueTime) - Date.parse(a.queueTime));
  if (rows.length === 0) return <Empty title="No tasks yet" />;
  return (
    <table className="table">
      <thead><tr><th>Task</th><th>Target</th><th>State</th><th>Who</th><th>Started</th><th>Ended</th></tr></thead>
      <tbody>
        {rows.map((each) => (
          <tr key={each.key}>
            <td>{operation(each)}</td>
            <td>{each.entityName}</td>
            <td className={each.state === 'error' ? 'bad' : ''}>{each.state === 'error' ? localizedWords(each.error) : each.state === 'success' ? 'Done' : each.state === 'running' ? `${each.progress ?? 0} %` : 'Waiting'}</td>
            <td>{each.reason?.userName ?? '–'}</td>
            <td className="nowrap">{when(each.startTime ?? each.queueTime)}</td>
            <td className="nowrap">{when(each.completeTime)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
