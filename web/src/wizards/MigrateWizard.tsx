// Moves machines to another host, their files to another datastore, or both. The server is asked
// about every place at once, so all reasons against all of them are on one page.
import { Alert } from '../ui/patternfly';
import { useMemo, useState, type ReactNode } from 'react';
import { call, wordsFor, type MoRef } from '../api/client';
import { bytes } from '../format/units';
import { useLoaded } from '../store/hooks';
import { inventory, nameOf, type Entity } from '../store/inventory';
import { datacenterOf } from '../store/kinds';
import { namesOf } from '../ui/DataGrid';
import { RadioField, SelectField } from '../ui/fields';
import { hostVerdicts, placeVerdicts, relocateSpec, type Verdict } from './compatibility';
import { Review, Wizard, type Step } from './Wizard';

type What = 'host' | 'storage' | 'both';

const WHAT: { value: What; label: string; hint: string }[] = [
  { value: 'host', label: 'Host', hint: 'Their files stay where they are.' },
  { value: 'storage', label: 'Datastore', hint: 'They stay on their host.' },
  { value: 'both', label: 'Host and datastore', hint: 'For hosts that share no datastore.' },
];

const byName = (a: Entity, b: Entity) => (a.sortName < b.sortName ? -1 : 1);
const hostOf = (machine: Entity) => inventory.of(machine.props['runtime.host']);

function storesOf(hosts: (Entity | undefined)[]): Entity[] {
  const ids = new Set(hosts.flatMap((host) => ((host?.props.datastore ?? []) as MoRef[]).map((each) => each.value)));
  return [...ids].map((id) => inventory.get(id)).filter((each): each is Entity => Boolean(each)).sort(byName);
}

/** Where the files would go if nobody chose: the accessible datastore with the most room. */
function roomiest(host: Entity): Entity | undefined {
  const free = (store: Entity) => store.props['summary.freeSpace'] ?? 0;
  return storesOf([host]).filter((each) => each.props['summary.accessible'] !== false).sort((a, b) => free(b) - free(a))[0];
}

function Places({ title, found, choice, choose, extra }: {
  title: string; found: { value?: Verdict[]; error?: unknown; loading: boolean }; choice: string; choose: (id: string) => void;
  extra?: { title: string; of: (place: Entity) => ReactNode };
}) {
  if (found.error) return <Alert isInline variant="danger" title={wordsFor(found.error)} />;
  if (found.loading || !found.value) return <p aria-live="polite">Asking about every {title.toLowerCase()}…</p>;
  return (
    <table className="table choices" aria-label={`${title}s`}>
      <thead><tr><th /><th>{title}</th>{extra && <th className="right">{extra.title}</th>}<th>What is in the way, or worth knowing</th></tr></thead>
      <tbody>
        {found.value.map(({ place, errors, warnings, checked }) => (
          <tr key={place.id} className={errors.length > 0 ? 'off' : choice === place.id ? 'chosen' : ''}>
            <td><input type="radio" name={title} aria-label={nameOf(place)} disabled={errors.length > 0} checked={choice === place.id} onChange={() => choose(place.id)} /></td>
            <td><label onClick={() => errors.length === 0 && choose(place.id)}>{nameOf(place)}</label></td>
            {extra && <td className="right nowrap">{extra.of(place)}</td>}
            <td>
              {errors.length === 0 && warnings.length === 0 && (checked ? <span className="good">Nothing is in the way</span> : <span className="dim">Checked when it begins</span>)}
              <ul className="reasons">
                {errors.map((each) => <li key={each} className="bad">{each}</li>)}
                {warnings.map((each) => <li key={each} className="warn">{each}</li>)}
              </ul>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function missing(title: string, found: { value?: Verdict[]; loading: boolean }, chosen: Entity | undefined): string | undefined {
  if (found.loading) return 'Still asking.';
  if (chosen) return undefined;
  return found.value?.some((each) => each.errors.length === 0) ? `Choose a ${title}.` : `No ${title} can take it; the reasons are beside each.`;
}

const chosenOf = (found: { value?: Verdict[] }, id: string) => found.value?.find((each) => each.place.id === id && each.errors.length === 0)?.place;

export function MigrateWizard({ machines, close }: { machines: Entity[]; close: () => void }) {
  const hosts = useMemo(() => {
    const datacenter = datacenterOf(hostOf(machines[0]!))?.id;
    return inventory.all('HostSystem').filter((each) => datacenterOf(each)?.id === datacenter).sort(byName);
  }, [machines]);
  const [wanted, setWhat] = useState<What>('host');
  const [hostId, setHost] = useState('');
  const [storeId, setStore] = useState('');
  const [priority, setPriority] = useState('highPriority');
  const alone = hosts.length < 2 ? 'There is no other host here.' : undefined;
  const oneStore = storesOf(machines.map(hostOf)).length < 2 ? 'The host has no other datastore.' : undefined;
  const reasons: Record<What, string | undefined> = { host: alone, storage: oneStore, both: alone };
  const what = reasons[wanted] === undefined ? wanted : (WHAT.find((each) => reasons[each.value] === undefined)?.value ?? wanted);
  const movesHost = what !== 'storage';
  const movesFiles = what !== 'host';

  const foundHosts = useLoaded(async () => {
    if (!movesHost) return [];
    return movesFiles ? placeVerdicts(machines, hosts, (host) => ({ host, datastore: roomiest(host) })) : hostVerdicts(machines, hosts);
  }, [hosts, what]);
  const host = movesHost ? chosenOf(foundHosts, hostId) : undefined;
  const foundStores = useLoaded(async () => {
    if (!movesFiles || (movesHost && !host)) return [];
    return placeVerdicts(machines, storesOf(host ? [host] : machines.map(hostOf)), (datastore) => ({ host, datastore }));
  }, [machines, what, host?.id]);
  const store = movesFiles ? chosenOf(foundStores, storeId) : undefined;

  const finish = async () => {
    const failures: unknown[] = [];
    for (const machine of machines) {
      if (what === 'host' && machine.props['runtime.host']?.value === host!.id) continue;
      const asked = what === 'host'
        ? call<MoRef>(machine.ref, 'MigrateVM_Task', { host: host!.ref, priority })
        : call<MoRef>(machine.ref, 'RelocateVM_Task', { spec: relocateSpec({ host, datastore: store }), priority });
      await asked.catch((error) => failures.push(error));
    }
    if (failures.length > 0) throw failures[0];
  };

  const storeTable = <Places title="Datastore" found={foundStores} choice={storeId} choose={setStore} extra={{ title: 'Free', of: (place) => bytes(place.props['summary.freeSpace']) }} />;
  const storeReason = missing('datastore', foundStores, store);
  const steps: Step[] = [
    {
      id: 'place', title: 'Destination', reason: movesHost ? missing('host', foundHosts, host) : storeReason,
      content: (
        <>
          <RadioField label="Change" value={what} onChange={(value) => setWhat(value as What)} choices={WHAT.map((each) => ({ ...each, reason: reasons[each.value] }))} />
          {movesHost ? <Places title="Host" found={foundHosts} choice={hostId} choose={setHost} /> : storeTable}
        </>
      ),
    },
    ...(what === 'both' ? [{ id: 'store', title: 'Datastore', reason: storeReason, content: storeTable }] : []),
    {
      id: 'review', title: 'Ready to complete', reason: (movesHost && !host) || (movesFiles && !store) ? 'Choose where to.' : undefined,
      content: (
        <>
          <Review items={[
            [machines.length > 1 ? 'Machines' : 'Machine', namesOf(machines, 10)],
            ...(host ? [['Host', `${names(machines.map(hostOf))} → ${nameOf(host)}`] as [string, string]] : []),
            ...(store ? [['Files', `${names(machines.flatMap((each) => ((each.props.datastore ?? []) as MoRef[]).map((one) => inventory.of(one))))} → ${nameOf(store)}`] as [string, string]] : []),
            ['Guests', guestWords(machines, movesFiles)],
          ]} />
          <SelectField label="Priority" value={priority} onChange={setPriority}
            choices={[{ value: 'highPriority', label: 'High: as soon and as fast as possible' }, { value: 'lowPriority', label: 'Low: leave room for other work' }]} />
        </>
      ),
    },
  ];
  return <Wizard title={`Migrate ${namesOf(machines)}`} steps={steps} finishLabel="Migrate" finish={finish} close={close} />;
}

const names = (entities: (Entity | undefined)[]) => [...new Set(entities.map(nameOf))].join(', ');

function guestWords(machines: Entity[], movesFiles: boolean): string {
  if (machines.every((each) => each.props['runtime.powerState'] !== 'poweredOn')) return machines.length > 1 ? 'None of them runs' : 'It does not run';
  return movesFiles ? 'Run on while their disks are copied; they pause for a moment at the end' : 'Run on; they pause for a moment while they switch over';
}
