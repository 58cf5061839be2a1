// What takes the space of a datastore: its machines, the biggest first, and what belongs to none.
import { call, unbox, wordsFor, type Data } from '../api/client';
import { bytes, percent } from '../format/units';
import { useLoaded } from '../store/hooks';
import { inventory, nameOf, type Entity } from '../store/inventory';
import { linkTo } from '../store/kinds';
import { manager } from '../store/session';
import { Empty, Meter, Panel } from '../ui/Panel';
import type { TabProps } from './tabs';

const MOST_ASKED = 500;
const MOST_SHOWN = 50;

interface Taken {
  machine: Entity;
  committed: number;
  promised: number;
}

async function taken(store: Entity): Promise<Taken[]> {
  const machines = ((store.props.vm ?? []) as Data[]).slice(0, MOST_ASKED);
  if (machines.length === 0) return [];
  const result = await call<Data>(manager('propertyCollector')!, 'RetrievePropertiesEx', {
    specSet: [{
      _typeName: 'PropertyFilterSpec', propSet: [{ type: 'VirtualMachine', pathSet: ['storage.perDatastoreUsage'] }],
      objectSet: machines.map((obj) => ({ obj, skip: false })),
    }],
    options: { _typeName: 'RetrieveOptions', maxObjects: MOST_ASKED },
  });
  return ((result?.objects ?? []) as Data[]).flatMap((each) => {
    const machine = inventory.of(each.obj);
    const uses: Data[] = unbox(each.propSet?.[0]?.val) ?? [];
    const here = uses.find((one) => one.datastore?.value === store.id);
    return machine && here ? [{ machine, committed: here.committed, promised: here.uncommitted }] : [];
  }).sort((a, b) => b.committed - a.committed);
}

export function Space({ entity }: TabProps) {
  const found = useLoaded(() => taken(inventory.get(entity.id) ?? entity), [entity.id, entity.props.vm?.length, entity.props['summary.freeSpace']]);
  if (found.error) return <Empty title="What takes the space can't be read"><p>{wordsFor(found.error)}</p></Empty>;
  if (!found.value) return null;
  const used = (entity.props['summary.capacity'] ?? 0) - (entity.props['summary.freeSpace'] ?? 0);
  const ofMachines = found.value.reduce((sum, each) => sum + each.committed, 0);
  const all = (entity.props.vm ?? []).length;
  return (
    <Panel title={`What takes the ${bytes(used)} in use`}>
      <Meter label={`Files of ${all === 1 ? 'one machine' : `${all} machines`}`} used={ofMachines} total={used} calm text={`${bytes(ofMachines)}, ${percent(ofMachines, used)}`} />
      <Meter label="Images and all else" used={Math.max(0, used - ofMachines)} total={used} calm text={`${bytes(Math.max(0, used - ofMachines))}, ${percent(Math.max(0, used - ofMachines), used)}`} />
      {found.value.length > 0 && (
        <table className="table">
          <thead><tr><th>Machine</th><th className="right">Takes</th><th className="right">May still take</th><th className="right">Of what is in use</th></tr></thead>
          <tbody>{found.value.slice(0, MOST_SHOWN).map((each) => (
            <tr key={each.machine.id}><td><a href={linkTo(each.machine)}>{nameOf(each.machine)}</a></td><td className="right">{bytes(each.committed)}</td><td className="right">{bytes(each.promised)}</td><td className="right">{percent(each.committed, used)}</td></tr>
          ))}</tbody>
        </table>
      )}
      {all > MOST_SHOWN && <p className="dim">The {MOST_SHOWN} biggest of {all > MOST_ASKED ? `the first ${MOST_ASKED}` : all}.</p>}
    </Panel>
  );
}
