import { lazy, Suspense } from 'react';
import { go, link, useRoute } from '../store/route';
import { manager, session } from '../store/session';
import { Alarms } from './Alarms';
import { Events } from './Events';
import { Space } from './Space';
import type { TabProps } from './tabs';
import { TasksOf } from './TasksOf';

// The charts' library is not needed for the first page.
const Drs = lazy(() => import('./Drs'));
const Performance = lazy(() => import('./Performance').then((module) => ({ default: module.Performance })));

// What can be watched of a kind; the first is shown first.
function partsOf(type: string): [id: string, title: string][] {
  const parts: [string, string][] = [['events', 'Events'], ['tasks', 'Tasks']];
  if (manager('alarmManager')) parts.unshift(['alarms', 'Alarms']);
  if (type === 'ClusterComputeResource' && session.isCenter) parts.unshift(['drs', 'DRS']);
  if (type === 'Datastore') parts.unshift(['space', 'Space']);
  else if (type !== 'Network') parts.unshift(['performance', 'Performance']);
  return parts;
}

export function Monitor({ entity }: TabProps) {
  const route = useRoute();
  const parts = partsOf(entity.type);
  const wanted = route.query.get('show');
  const part = parts.find(([id]) => id === wanted)?.[0] ?? parts[0]![0];
  return (
    <>
      <div className="subtabs" role="group" aria-label="What to watch">
        {parts.map(([id, title]) => (
          <button key={id} type="button" aria-pressed={part === id} onClick={() => go(link(route.path, { show: id }), true)}>{title}</button>
        ))}
      </div>
      {part === 'performance' && <Suspense fallback={null}><Performance entity={entity} /></Suspense>}
      {part === 'space' && <Space entity={entity} />}
      {part === 'drs' && <Suspense fallback={null}><Drs entity={entity} /></Suspense>}
      {part === 'alarms' && <Alarms entity={entity} />}
      {part === 'events' && <Events entity={entity} />}
      {part === 'tasks' && <TasksOf entity={entity} />}
    </>
  );
}
