// Makes a directory of one or more hosts a datastore. The same directory on several hosts (of a
// file system that all of them mount) is one datastore that they share.
import { useState } from 'react';
import { call, get, wordsFor, type Data } from '../api/client';
import { inventory, nameOf, type Entity } from '../store/inventory';
import { FormDialog } from '../ui/dialogs';
import { RadioField, TextField } from '../ui/fields';
import { PickField } from '../ui/PickField';

const KINDS = [
  { value: 'directory', label: 'Directory', hint: 'Of the host itself, or of anything that it mounts.' },
  { value: 'nfs', label: 'NFS export', reason: 'Hosts mount nothing by themselves: mount it on each host in the same place (/etc/fstab), then add that directory here.' },
];

/** Why it can't be made yet. */
function lackingOf(name: string, path: string, hosts: string[]): string | undefined {
  if (!name.trim()) return 'It needs a name.';
  if (!path.trim()) return 'Which directory?';
  if (!path.trim().startsWith('/')) return 'The directory begins with a slash: /srv/machines.';
  return hosts.length === 0 ? 'On which hosts?' : undefined;
}

async function create(host: Entity, name: string, path: string) {
  const managers = await get<Data>(host.ref, 'configManager');
  await call(managers.datastoreSystem, 'CreateLocalDatastore', { name, path });
}

export function AddDatastore({ hosts, close }: { hosts: Entity[]; close: () => void }) {
  const [name, setName] = useState('');
  const [path, setPath] = useState('');
  const [kind, setKind] = useState('directory');
  const [chosen, setChosen] = useState<string[]>(hosts.length === 1 ? [hosts[0]!.id] : []);
  const submit = async () => {
    const made: string[] = [];
    const refused: { id: string; words: string }[] = [];
    for (const id of chosen) {
      const host = inventory.get(id);
      if (!host) continue;
      await create(host, name.trim(), path.trim()).then(() => made.push(nameOf(host)), (error) => refused.push({ id, words: `${hosts.length > 1 ? `${nameOf(host)}: ` : ''}${wordsFor(error)}` }));
    }
    if (refused.length === 0) return;
    // What is there already is not asked for again.
    setChosen(refused.map((each) => each.id));
    throw new Error([...(made.length > 0 ? [`It was added on ${made.join(', ')}.`] : []), ...refused.map((each) => each.words)].join(' '));
  };
  return (
    <FormDialog title={hosts.length === 1 ? `Add datastore to ${nameOf(hosts[0])}` : 'Add datastore'} description="A datastore keeps the files of machines, and images to install them from." submitLabel="Add" close={close} wide
      reason={lackingOf(name, path, chosen)} submit={submit}>
      <RadioField label="What it is" value={kind} onChange={setKind} choices={KINDS} />
      <TextField label="Name" value={name} onChange={setName} first />
      <TextField label="Directory" value={path} onChange={setPath} placeholder="/srv/machines" hint="It is made if the host may make it, and never emptied." />
      {hosts.length > 1 && <PickField label="Hosts" entities={hosts} chosen={chosen} onChange={setChosen} hint="Several, if they see the same files there" />}
    </FormDialog>
  );
}
