// At the bottom: recent tasks, everybody's, live, with progress and cancel; and raised alarms.
import { useRef, type ReactNode } from 'react';
import { localizedWords, type Data } from '../api/client';
import { operation, when } from '../format/units';
import { AlarmTable, raisedOf } from '../pages/Alarms';
import { useDetail, useRemembered, useTasks } from '../store/hooks';
import { inventory, nameOf } from '../store/inventory';
import { linkTo } from '../store/kinds';
import { manager, session } from '../store/session';
import { tasks, type TaskRow } from '../store/tasks';
import { Button } from '../ui/Button';
import { tell } from '../ui/dialogs';
import { Icon } from '../ui/Icon';

// It is as high as what is in it, and never higher than one made it.
const EMPTY_HEIGHT = 92;
const ROW_HEIGHT = 24;

function State({ info }: { info: Data }) {
  if (info.state === 'running') return <span className="task-progress"><progress value={info.progress ?? undefined} max={100} aria-label="Progress" /> {info.progress !== undefined ? `${info.progress} %` : 'Running'}</span>;
  if (info.state === 'queued') return <span className="dim">Waiting</span>;
  if (info.state === 'error') return <span className="bad" title={localizedWords(info.error)}>{info.cancelled ? 'Cancelled' : localizedWords(info.error)}</span>;
  return <span className="good">Done</span>;
}

function Row({ row }: { row: TaskRow }) {
  const { info } = row;
  const entity = inventory.of(info.entity);
  const runs = info.state === 'running' || info.state === 'queued';
  return (
    <tr>
      <td>{operation(info)}</td>
      <td>{entity ? <a href={linkTo(entity)}>{nameOf(entity)}</a> : info.entityName}</td>
      <td className="task-state"><State info={info} /></td>
      <td>{info.reason?.userName ?? (info.reason?._typeName === 'TaskReasonSystem' ? 'System' : '–')}</td>
      <td className="nowrap">{when(info.startTime ?? info.queueTime)}</td>
      <td className="nowrap">{when(info.completeTime)}</td>
      <td className="task-cancel">
        {runs && <Button kind="plain" icon="close" label={`Cancel ${operation(info).toLowerCase()}`} reason={info.cancelable ? undefined : 'This task can’t be cancelled.'}
          onClick={() => info.cancelable && void tasks.cancel(row.ref).catch((error) => tell('The task was not cancelled', error))} />}
      </td>
    </tr>
  );
}

// What the pages themselves ask: of interest only if it takes long or fails.
function isQuiet(info: Data): boolean {
  // The thumbprint of a new host comes with a refusal; the dialog shows it.
  if (info.state === 'error' && info.error?.fault?._typeName === 'SSLVerifyFault') return true;
  return info.state === 'success' && /[sS]earch|[qQ]uery|[cC]heckMigrate|[cC]heckRelocate/.test(info.descriptionId ?? info.name ?? '');
}

function Head({ id, shown, show, children }: { id: 'tasks' | 'alarms'; shown: string; show: (part: 'tasks' | 'alarms') => void; children: ReactNode }) {
  return <button type="button" className="dock-tab" aria-pressed={shown === id} onClick={() => show(id)}>{children}</button>;
}

export function Dock() {
  const rows = useTasks().filter((row) => !isQuiet(row.info));
  const [open, setOpen] = useRemembered('dock', true);
  const [chosen, choose] = useRemembered<'tasks' | 'alarms'>('dock-part', 'tasks');
  const alarms = raisedOf(useDetail(manager('alarmManager') && session.content.rootFolder));
  const unattended = alarms?.filter((each) => !each.acknowledged) ?? [];
  const part = alarms ? chosen : 'tasks';
  const [height, setHeight] = useRemembered('dock-height', 170);
  const box = useRef<HTMLElement>(null);
  const running = rows.filter((each) => each.info.state === 'running' || each.info.state === 'queued').length;
  const lines = part === 'alarms' ? alarms!.length : rows.length;
  const failed = rows.filter((each) => each.info.state === 'error').length;
  // Pressing what is shown shuts it, as the arrow does.
  const show = (wanted: 'tasks' | 'alarms') => {
    setOpen(!open || wanted !== part);
    choose(wanted);
  };
  return (
    <section ref={box} className={`dock${open ? '' : ' closed'}`} aria-label={alarms ? 'Recent tasks and alarms' : 'Recent tasks'} style={{ height: open ? Math.min(height, EMPTY_HEIGHT + lines * ROW_HEIGHT) : undefined }}>
      {open && <div className="dock-grip" role="separator" aria-orientation="horizontal" aria-label="Height of this part" tabIndex={0} aria-valuenow={height} aria-valuemin={80} aria-valuemax={600}
        onKeyDown={(event) => {
          if (event.key === 'ArrowUp') setHeight(Math.min(600, height + 20));
          if (event.key === 'ArrowDown') setHeight(Math.max(80, height - 20));
        }}
        onPointerDown={(event) => {
          const start = event.clientY;
          const move = (moved: PointerEvent) => setHeight(Math.max(80, Math.min(innerHeight - 200, height + start - moved.clientY)));
          const up = () => {
            removeEventListener('pointermove', move);
            removeEventListener('pointerup', up);
          };
          addEventListener('pointermove', move);
          addEventListener('pointerup', up);
        }} />}
      <div className="dock-head">
        <button type="button" aria-label={open ? 'Close this part' : 'Open this part'} aria-expanded={open} onClick={() => setOpen(!open)}><Icon name={open ? 'down' : 'up'} /></button>
        <Head id="tasks" shown={open ? part : ''} show={show}>
          Recent tasks
          {running > 0 && <span className="badge badge-running">{running} running</span>}
          {failed > 0 && <span className="badge badge-failed">{failed} failed</span>}
        </Head>
        {alarms && (
          <Head id="alarms" shown={open ? part : ''} show={show}>
            Alarms
            {unattended.length > 0 && <span className={`badge badge-alarm-${unattended[0]!.overallStatus}`}>{unattended.length}</span>}
          </Head>
        )}
      </div>
      {open && part === 'tasks' && (
        <div className="dock-body" tabIndex={0} role="region" aria-label="List of recent tasks">
          <table className="table">
            <thead><tr><th>Task</th><th>Target</th><th>State</th><th>Who</th><th>Started</th><th>Ended</th><th><span className="sr-only">Cancel</span></th></tr></thead>
            <tbody>{rows.map((row) => <Row key={row.id} row={row} />)}</tbody>
          </table>
          {rows.length === 0 && <p className="dock-empty">What you and others start appears here.</p>}
        </div>
      )}
      {open && part === 'alarms' && (
        <div className="dock-body" tabIndex={0} role="region" aria-label="List of alarms">
          {alarms!.length > 0 ? <AlarmTable states={alarms!} /> : <p className="dock-empty">No alarm is raised.</p>}
        </div>
      )}
    </section>
  );
}
