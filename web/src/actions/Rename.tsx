import { useState } from 'react';
import { call } from '../api/client';
import { nameOf, type Entity } from '../store/inventory';
import { FormDialog } from '../ui/dialogs';
import { TextField } from '../ui/fields';

export function Rename({ entity, close }: { entity: Entity; close: () => void }) {
  const [name, setName] = useState(nameOf(entity));
  return (
    <FormDialog title={`Rename ${nameOf(entity)}`} submitLabel="Rename" close={close}
      reason={!name.trim() ? 'It needs a name.' : name.length > 80 ? 'A name has at most 80 characters.' : undefined}
      submit={async () => void (await call(entity.ref, 'Rename_Task', { newName: name.trim() }))}>
      <TextField label="New name" value={name} onChange={setName} first />
    </FormDialog>
  );
}
