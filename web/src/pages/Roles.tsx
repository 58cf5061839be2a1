// Roles and what they allow.
import { useMemo, useState } from 'react';
import { call, get, type Data } from '../api/client';
import { useLoaded, useSession } from '../store/hooks';
import { manager, session } from '../store/session';
import { Button } from '../ui/Button';
import { FormDialog, openDialog, tell } from '../ui/dialogs';
import { TextField } from '../ui/fields';
import { Icon } from '../ui/Icon';
import { roleName } from './Permissions';

export function Roles() {
  const { roles } = useSession();
  const [chosen, choose] = useState<number | undefined>();
  const list = [...roles.values()].sort((a, b) => Number(b.system) - Number(a.system) || roleName(a).localeCompare(roleName(b)));
  const role = roles.get(chosen ?? list[0]?.roleId);
  return (
    <div className="page">
      <header className="page-head page-head-list"><div className="page-title"><Icon name="key" /><h1>Roles</h1>
        <div className="page-actions"><Button icon="plus" onClick={() => openDialog((close) => <RoleDialog close={close} />)}>New role</Button></div>
      </div></header>
      <div className="page-body split">
        <ul className="role-list">
          {list.map((each) => (
            <li key={each.roleId}><button type="button" aria-pressed={each === role} onClick={() => choose(each.roleId)}>{roleName(each)}<small>{each.system ? 'Built in' : `${each.privilege?.length ?? 0} privileges`}</small></button></li>
          ))}
        </ul>
        {role && (
          <section className="role" aria-label={roleName(role)}>
            <header><h2>{roleName(role)}</h2>
              <Button icon="edit" reason={role.system ? 'Built-in roles stay as they are; make a new one instead.' : undefined} onClick={() => !role.system && openDialog((close) => <RoleDialog role={role} close={close} />)}>Edit</Button>
              <Button icon="trash" reason={role.system ? 'Built-in roles stay as they are.' : undefined}
                onClick={() => !role.system && void call(manager('authorizationManager')!, 'RemoveAuthorizationRole', { roleId: role.roleId, failIfUsed: true }).then(() => session.reloadRoles(), (error) => tell('The role was not removed', error))}>Remove</Button>
            </header>
            <p className="dim">{role.info?.summary}</p>
            <ul className="privileges">{(role.privilege ?? []).map((each: string) => <li key={each}>{each}</li>)}</ul>
          </section>
        )}
      </div>
    </div>
  );
}

function RoleDialog({ role, close }: { role?: Data; close: () => void }) {
  const [name, setName] = useState<string>(role?.name ?? '');
  const [held, setHeld] = useState<Set<string>>(new Set(role?.privilege ?? []));
  const [filter, setFilter] = useState('');
  const all = useLoaded(() => get<Data[]>(manager('authorizationManager')!, 'privilegeList'), []);
  const groups = useMemo(() => {
    const map = new Map<string, Data[]>();
    for (const each of all.value ?? []) {
      if (filter && !each.privId.toLowerCase().includes(filter.toLowerCase())) continue;
      map.set(each.privGroupName, [...(map.get(each.privGroupName) ?? []), each]);
    }
    return [...map];
  }, [all.value, filter]);
  const toggle = (ids: string[], on: boolean) => setHeld((before) => {
    const next = new Set(before);
    for (const id of ids) if (on) next.add(id);
    else next.delete(id);
    return next;
  });
  return (
    <FormDialog title={role ? `Edit role ${roleName(role)}` : 'New role'} submitLabel={role ? 'Save' : 'Create'} reason={name.trim() ? undefined : 'It needs a name.'} close={close} wide
      submit={async () => {
        const privIds = [...held];
        if (role) await call(manager('authorizationManager')!, 'UpdateAuthorizationRole', { roleId: role.roleId, newName: name.trim(), privIds });
        else await call(manager('authorizationManager')!, 'AddAuthorizationRole', { name: name.trim(), privIds });
        await session.reloadRoles();
      }}>
      <TextField label="Name" value={name} onChange={setName} first />
      <TextField label="Find privileges" value={filter} onChange={setFilter} hint={`${held.size} chosen`} />
      <div className="privilege-choice">
        {groups.map(([group, list]) => (
          <fieldset key={group}>
            <legend><label><input type="checkbox" checked={list.every((each) => held.has(each.privId))} onChange={(event) => toggle(list.map((each) => each.privId), event.target.checked)} /> {group}</label></legend>
            {list.map((each) => (
              <label key={each.privId}><input type="checkbox" checked={held.has(each.privId)} onChange={(event) => toggle([each.privId], event.target.checked)} /> {each.name}</label>
            ))}
          </fieldset>
        ))}
      </div>
    </FormDialog>
  );
}
