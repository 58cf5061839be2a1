// Maintenance mode with a preview: which machines must go, where they can go, and what is in the
// way of those that can't.
import { Alert } from '../ui/patternfly';
import { useState } from 'react';
import { call, localizedWords, type Data, type MoRef } from '../api/client';
import { useLoaded } from '../store/hooks';
import { inventory, nameOf, type Entity } from '../store/inventory';
import { session } from '../store/session';
import { tasks } from '../store/tasks';
import { FormDialog } from '../ui/dialogs';
import { CheckField } from '../ui/fields';
import { compatibility } from './compatibility';

interface Plan {
  machine: Entity;
  to: string[];
  blocked?: string;
}

async function preview(host: Entity): Promise<Plan[]> {
  const machines = [...inventory.machinesOn(host.id)].map((id) => inventory.get(id)!).filter((each) => each.props['runtime.powerState'] === 'poweredOn');
  const others = inventory.all('HostSystem').filter(
    (each) => each.id !== host.id && each.props.parent?.value === host.props.parent?.value &&
      each.props['runtime.connectionState'] === 'connected' && !each.props['runtime.inMaintenanceMode'],
  );
  if (!session.isCenter || others.length === 0) {
    return machines.map((machine) => ({
      machine, to: [], blocked: session.isCenter ? 'No other host of its cluster is ready. Power it off or migrate it.' : 'A host alone can’t move its machines. Power it off or suspend it.',
    }));
  }
  if (machines.length === 0) return [];
  const found = await compatibility(machines, others);
  return machines.map((machine) => {
    const results = found.filter((each: Data) => each.vm?.value === machine.id);
    const good = results.filter((each: Data) => (each.error ?? []).length === 0);
    const bad = results.flatMap((each: Data) => each.error ?? []);
    return {
      machine,
      to: good.map((each: Data) => nameOf(inventory.of(each.host))),
      blocked: good.length > 0 ? undefined : [...new Set(bad.map(localizedWords))].join(' '),
    };
  });
}

export function Maintenance({ host, close }: { host: Entity; close: () => void }) {
  const [evacuate, setEvacuate] = useState(false);
  const plan = useLoaded(() => preview(host), [host.id]);
  const blocked = plan.value?.filter((each) => each.blocked) ?? [];
  const off = [...inventory.machinesOn(host.id)].filter((id) => inventory.get(id)?.props['runtime.powerState'] !== 'poweredOn').length;
  return (
    <FormDialog title={`Put ${nameOf(host)} into maintenance mode`} submitLabel="Enter maintenance mode" close={close} wide
      description="No machine runs on a host in maintenance mode. Running ones are moved to other hosts of the cluster; where that can't be done the task waits until you have."
      reason={plan.loading ? 'Still looking where the machines can go.' : undefined}
      submit={async () => {
        const task = await call<MoRef>(host.ref, 'EnterMaintenanceMode_Task', { timeout: 0, evacuatePoweredOffVms: evacuate });
        // It may wait for long: the dock shows how it goes on.
        void tasks.finish(task).catch(() => {});
      }}>
      {plan.loading && <p>Looking where the running machines can go…</p>}
      {Boolean(plan.error) && <Alert isInline variant="danger" title={String((plan.error as Error).message)} />}
      {plan.value && plan.value.length === 0 && <Alert isInline variant="success" title="No machine runs here: nothing has to move." />}
      {plan.value && plan.value.length > 0 && (
        <table className="table">
          <thead>
            <tr><th>Machine</th><th>Can go to</th><th>In the way</th></tr>
          </thead>
          <tbody>
            {plan.value.map((each) => (
              <tr key={each.machine.id}>
                <td>{nameOf(each.machine)}</td>
                <td>{each.to.join(', ') || '–'}</td>
                <td className={each.blocked ? 'bad' : ''}>{each.blocked ?? 'Nothing'}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {blocked.length > 0 && <Alert isInline variant="warning" title={`${blocked.length} of ${plan.value!.length} machines can't move by themselves. The task waits for them; you can cancel it at any time.`} />}
      {session.isCenter && off > 0 && <CheckField label={`Also move the ${off} machines that are off or suspended`} value={evacuate} onChange={setEvacuate} />}
    </FormDialog>
  );
}
