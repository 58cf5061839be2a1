// A new datacenter, cluster or folder: a name is all it takes.
import { useState } from 'react';
import { call } from '../api/client';
import { nameOf, type Entity } from '../store/inventory';
import { titleOf } from '../store/kinds';
import { FormDialog } from '../ui/dialogs';
import { TextField } from '../ui/fields';

const METHOD = { datacenter: 'CreateDatacenter', cluster: 'CreateClusterEx', folder: 'CreateFolder' };
const HINT = {
  datacenter: 'A datacenter holds hosts that see the same networks and datastores.',
  cluster: 'Hosts of a cluster share their machines: they move between them without interruption.',
  folder: 'Folders order the inventory, and permissions on a folder count for all that is in it.',
};

export function NewPlace({ what, folder, close }: { what: keyof typeof METHOD; folder: Entity; close: () => void }) {
  const [name, setName] = useState('');
  return (
    <FormDialog title={`New ${what} in ${titleOf(folder) || nameOf(folder)}`} description={HINT[what]} submitLabel="Create" close={close}
      reason={name.trim() ? undefined : 'It needs a name.'}
      submit={async () => {
        await call(folder.ref, METHOD[what], {
          name: name.trim(),
          ...(what === 'cluster' ? { spec: { _typeName: 'ClusterConfigSpecEx' } } : {}),
        });
      }}>
      <TextField label="Name" value={name} onChange={setName} first />
    </FormDialog>
  );
}
