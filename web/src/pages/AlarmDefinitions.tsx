// What raises alarms on an object: defined on it, or on what it is in. The root shows all there are.
import { useState } from 'react';
import { alarmDefinitions } from '../api/alarms';
import { call, wordsFor, type Data } from '../api/client';
import { useLoaded } from '../store/hooks';
import { inventory, type Entity } from '../store/inventory';
import { ancestorsOf, linkTo, titleOf } from '../store/kinds';
import { session } from '../store/session';
import { Button } from '../ui/Button';
import { FormDialog, openDialog, tell } from '../ui/dialogs';
import { Empty, Panel } from '../ui/Panel';
import { definitionOf, expressionWords, specOf, subjectOf } from '../wizards/alarms';
import { EditAlarm } from '../wizards/EditAlarm';
import { lacking } from '../actions/registry';

// Folders that a page's path leaves out may have alarms too.
function isAbove(id: string, entity: Entity): boolean {
  if (ancestorsOf(entity).some((each) => each.id === id)) return true;
  let at: Entity | undefined = entity;
  for (let depth = 0; at && depth < 50; depth++) {
    if (at.id === id) return true;
    at = inventory.of(at.props.parent);
  }
  return entity.props['runtime.host']?.value === id;
}

export default function AlarmDefinitions({ entity }: { entity: Entity }) {
  const found = useLoaded(alarmDefinitions, [entity.id]);
  const [busy, setBusy] = useState('');
  const isRoot = entity.id === session.content?.rootFolder?.value;
  const rows = (found.value ?? []).filter((each) => isRoot || isAbove(each.entity?.value, entity));
  const mayCreate = lacking(entity, 'Alarm.Create');
  const switchTo = async (info: Data, enabled: boolean) => {
    setBusy(info.key);
    await call(info.alarm, 'ReconfigureAlarm', { spec: specOf(info, { enabled }) }).catch((error) => tell('The alarm was not changed', error));
    setBusy('');
    found.reload();
  };
  const may = (info: Data, privilege: string) => {
    const place = inventory.of(info.entity);
    return place ? lacking(place, privilege) : undefined;
  };
  return (
    <Panel title="Alarm definitions" actions={<Button icon="plus" reason={mayCreate} onClick={() => !mayCreate && openDialog((close) => <EditAlarm entity={entity} close={close} done={found.reload} />)}>New alarm</Button>}>
      {Boolean(found.error) && <p className="bad">{wordsFor(found.error)}</p>}
      {rows.length > 0 && (
        <table className="table">
          <thead><tr><th>On</th><th>Alarm</th><th>Watches</th><th>When</th><th>Defined on</th><th><span className="sr-only">Change</span></th></tr></thead>
          <tbody>
            {rows.map((info) => {
              const place = inventory.of(info.entity);
              const [mayEdit, mayRemove] = [may(info, 'Alarm.Edit'), may(info, 'Alarm.Delete')];
              return (
                <tr key={info.key}>
                  <td><input type="checkbox" aria-label={`Alarm ${info.name} is on`} checked={info.enabled} disabled={Boolean(mayEdit) || busy === info.key} title={mayEdit} onChange={(event) => void switchTo(info, event.target.checked)} /></td>
                  <td title={info.description}>{info.name}</td>
                  <td>{subjectOf(definitionOf(info.expression)?.type ?? '')?.label ?? '–'}</td>
                  <td>{expressionWords(info.expression)}</td>
                  <td>{place ? (place.id === entity.id ? 'This object' : <a href={linkTo(place, 'configure')}>{titleOf(place)}</a>) : info.entity?.value}</td>
                  <td className="right nowrap">
                    <span className="row-actions">
                      <Button kind="plain" icon="edit" label={`Edit alarm ${info.name}`} reason={mayEdit} onClick={() => !mayEdit && openDialog((close) => <EditAlarm entity={place ?? entity} before={info} close={close} done={found.reload} />)} />
                      <Button kind="plain" icon="trash" label={`Remove alarm ${info.name}`} reason={mayRemove} onClick={() => !mayRemove && openDialog((close) => <RemoveAlarm info={info} place={place} close={close} done={found.reload} />)} />
                    </span>
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      )}
      {!found.loading && !found.error && rows.length === 0 && <Empty title="No alarm watches this" />}
    </Panel>
  );
}

function RemoveAlarm({ info, place, close, done }: { info: Data; place: Entity | undefined; close: () => void; done: () => void }) {
  return (
    <FormDialog title={`Remove alarm ${info.name}`} submitLabel="Remove" danger close={close}
      submit={async () => {
        await call(info.alarm, 'RemoveAlarm');
        done();
      }}>
      <p>It was defined on {place ? titleOf(place) : 'an object'} and watches everything below it. Where it is raised now, it is gone.</p>
    </FormDialog>
  );
}
