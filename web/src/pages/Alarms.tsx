// Alarms that are raised: of an object and all below it, or of everything. To acknowledge one says
// that somebody looks after it; it goes by itself when its cause does.
import { useState } from 'react';
import { lacking } from '../actions/registry';
import { call, get, type Data } from '../api/client';
import { when, words } from '../format/units';
import { useLoaded } from '../store/hooks';
import { inventory, nameOf, type Entity } from '../store/inventory';
import { linkTo } from '../store/kinds';
import { manager } from '../store/session';
import { Button } from '../ui/Button';
import { tell } from '../ui/dialogs';
import { Empty } from '../ui/Panel';

/** Raised ones, the worst and newest first. Undefined where there are no alarms at all: on a host. */
export function raisedOf(entity: Entity | undefined): Data[] | undefined {
  if (!manager('alarmManager')) return undefined;
  const states: Data[] = entity?.props.triggeredAlarmState ?? [];
  const rank = (each: Data) => (each.overallStatus === 'red' ? 0 : 1);
  return states.filter((each) => each.overallStatus === 'red' || each.overallStatus === 'yellow')
    .sort((a, b) => rank(a) - rank(b) || Date.parse(b.time) - Date.parse(a.time));
}

// What is known of definitions, as long as nobody changes them.
const definitions = new Map<string, Data>();

async function infosOf(states: Data[]): Promise<Map<string, Data>> {
  const found = new Map<string, Data>();
  for (const { alarm } of states) {
    if (!definitions.has(alarm.value)) definitions.set(alarm.value, await get(alarm, 'info').catch(() => undefined));
    found.set(alarm.value, definitions.get(alarm.value));
  }
  return found;
}

export function AlarmTable({ states }: { states: Data[] }) {
  const infos = useLoaded(() => infosOf(states), [states.map((each) => each.alarm.value).sort().join()]).value;
  const [busy, setBusy] = useState('');
  const acknowledge = async (state: Data) => {
    setBusy(state.key);
    await call(manager('alarmManager')!, 'AcknowledgeAlarm', { alarm: state.alarm, entity: state.entity }).catch((error) => tell('The alarm was not acknowledged', error));
    setBusy('');
  };
  return (
    <table className="table alarms">
      <thead><tr><th>State</th><th>Alarm</th><th>Object</th><th>Since</th><th>Looked after by</th></tr></thead>
      <tbody>
        {states.map((each) => {
          const entity = inventory.of(each.entity);
          const info = infos?.get(each.alarm.value);
          const reason = entity && lacking(entity, 'Alarm.Acknowledge');
          return (
            <tr key={each.key}>
              <td><span className={`status status-${each.overallStatus}`}>{words(each.overallStatus)}</span></td>
              <td title={info?.description}>{info?.name ?? each.alarm.value}</td>
              <td>{entity ? <a href={linkTo(entity)}>{nameOf(entity)}</a> : each.entity.value}</td>
              <td className="nowrap">{when(each.time)}</td>
              <td className="nowrap">{each.acknowledged ? `${each.acknowledgedByUser ?? '–'}, ${when(each.acknowledgedTime)}` : (
                <Button busy={busy === each.key} reason={reason} onClick={() => !reason && void acknowledge(each)}>Acknowledge</Button>
              )}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

export function Alarms({ entity }: { entity: Entity }) {
  const states = raisedOf(entity) ?? [];
  return states.length > 0 ? <AlarmTable states={states} /> : <Empty title="No alarm is raised"><p>Neither here nor below.</p></Empty>;
}
