// Who may do what here, also what is inherited from above.
import { useState } from 'react';
import { call, wordsFor, type Data } from '../api/client';
import { useLoaded, useSession } from '../store/hooks';
import { inventory, nameOf, type Entity } from '../store/inventory';
import { linkTo, titleOf } from '../store/kinds';
import { manager } from '../store/session';
import { Button } from '../ui/Button';
import { FormDialog, openDialog, tell } from '../ui/dialogs';
import { CheckField, SelectField, TextField } from '../ui/fields';
import { Empty, Panel } from '../ui/Panel';
import { lacking } from '../actions/registry';
import type { TabProps } from './tabs';

export function roleName(role: Data | undefined): string {
  return role?.info?.label || role?.name || 'Unknown role';
}

export function Permissions({ entity }: TabProps) {
  const { roles } = useSession();
  const key = JSON.stringify(entity.props.permission ?? []);
  const found = useLoaded(() => call<Data[]>(manager('authorizationManager')!, 'RetrieveEntityPermissions', { entity: entity.ref, inherited: true }), [entity.id, key]);
  if (found.error) return <Empty title="The permissions can't be read"><p>{wordsFor(found.error)}</p></Empty>;
  const reason = lacking(entity, 'Authorization.ModifyPermissions');
  const rows = found.value ?? [];
  return (
    <Panel title="Permissions" actions={<Button icon="plus" reason={reason} onClick={() => !reason && openDialog((close) => <Grant entity={entity} close={close} done={found.reload} />)}>Add permission</Button>}>
      <table className="table">
        <thead><tr><th>User or group</th><th>Role</th><th>Given on</th><th>Counts below</th><th /></tr></thead>
        <tbody>
          {rows.map((each) => {
            const place = inventory.of(each.entity);
            const isHere = each.entity?.value === entity.id;
            return (
              <tr key={`${each.entity?.value}/${each.principal}/${each.group}`}>
                <td>{each.principal}{each.group && <span className="dim"> (group)</span>}</td>
                <td>{roleName(roles.get(each.roleId))}</td>
                <td>{place ? <a href={linkTo(place, 'permissions')}>{isHere ? 'This object' : titleOf(place)}</a> : each.entity?.value}</td>
                <td>{each.propagate ? 'Yes' : 'No'}</td>
                <td className="right">
                  <Button kind="plain" icon="trash" label={`Remove the permission of ${each.principal}`} reason={reason ?? (isHere ? undefined : `It was given on ${titleOf(place)}: remove it there.`)}
                    onClick={() => isHere && !reason && void call(manager('authorizationManager')!, 'RemoveEntityPermission', { entity: entity.ref, user: each.principal, isGroup: each.group }).then(found.reload, (error) => tell('The permission was not removed', error))} />
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {!found.loading && rows.length === 0 && <Empty title="Nobody has a permission here" />}
    </Panel>
  );
}

function Grant({ entity, close, done }: { entity: Entity; close: () => void; done: () => void }) {
  const { roles } = useSession();
  const users = useLoaded(() => call<Data[]>(manager('userDirectory')!, 'RetrieveUserGroups', { searchStr: '', exactMatch: false, findUsers: true, findGroups: true }), []);
  const [principal, setPrincipal] = useState('');
  const [group, setGroup] = useState(false);
  const choices = [...roles.values()].filter((each) => each.name !== 'Anonymous' && each.name !== 'View').map((each) => ({ value: String(each.roleId), label: roleName(each) }));
  const [role, setRole] = useState(choices.find((each) => each.label.startsWith('Read'))?.value ?? choices[0]?.value ?? '');
  const [propagate, setPropagate] = useState(true);
  const known = users.value?.find((each) => each.principal === principal);
  return (
    <FormDialog title={`Add permission on ${nameOf(entity)}`} submitLabel="Add" close={close} reason={principal.trim() ? undefined : 'Whom is it for?'}
      submit={async () => {
        await call(manager('authorizationManager')!, 'SetEntityPermissions', {
          entity: entity.ref,
          permission: [{ _typeName: 'Permission', principal: principal.trim(), group: known ? known.group : group, roleId: Number(role), propagate }],
        });
        done();
      }}>
      <TextField label="User or group" value={principal} onChange={setPrincipal} first hint={users.value ? `Known here: ${users.value.slice(0, 8).map((each) => each.principal).join(', ')}` : undefined} />
      {!known && <CheckField label="It is a group" value={group} onChange={setGroup} />}
      <SelectField label="Role" value={role} onChange={setRole} choices={choices} />
      <CheckField label="Counts for everything below too" value={propagate} onChange={setPropagate} />
    </FormDialog>
  );
}
