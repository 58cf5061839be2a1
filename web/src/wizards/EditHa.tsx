// High availability of a cluster, and what is different for some of its machines.
import { useMemo, useState } from 'react';
import type { Data } from '../api/client';
import { reconfigureCluster } from '../api/cluster';
import { useEntity } from '../store/hooks';
import { inventory, nameOf, type Entity } from '../store/inventory';
import { hostsBelow } from '../store/kinds';
import { FormDialog } from '../ui/dialogs';
import { CheckField, RadioField, SelectField } from '../ui/fields';
import { PickField } from '../ui/PickField';
import { AS_CLUSTER, dasSpec, machineHa, machinesSpec, PRIORITIES, priorityWords, RESPONSES, responseWords } from './ha';

const asChoices = (list: [string, string, string?][]) => list.map(([value, label, hint]) => ({ value, label, hint }));

export function EditHa({ cluster, close }: { cluster: Entity; close: () => void }) {
  const now: Data = useEntity(cluster.id)?.props.configurationEx?.dasConfig ?? {};
  const [enabled, setEnabled] = useState(Boolean(now.enabled));
  const [priority, setPriority] = useState<string>(now.defaultVmSettings?.restartPriority ?? 'medium');
  const [response, setResponse] = useState<string>(now.defaultVmSettings?.isolationResponse ?? 'none');
  return (
    <FormDialog title={`HA of ${nameOf(cluster)}`} description="High availability starts machines again on other hosts when theirs is gone." submitLabel="Save" close={close} wide
      submit={() => reconfigureCluster(cluster.ref, dasSpec(enabled, { priority, response }))}>
      <CheckField label="HA is on" value={enabled} onChange={setEnabled} hint="For machines whose files all hosts of the cluster see." />
      <SelectField label="Restart priority" value={priority} onChange={setPriority} choices={asChoices(PRIORITIES)} hint="Those of a higher one are started first. Machines may have their own." />
      <RadioField label="If a host is cut off" value={response} onChange={setResponse} choices={asChoices(RESPONSES)} />
    </FormDialog>
  );
}

/** `machines`: whose settings are changed; without any, they are chosen here. */
export function EditHaMachines({ cluster, machines, close }: { cluster: Entity; machines?: Entity[]; close: () => void }) {
  const config: Data = useEntity(cluster.id)?.props.configurationEx ?? {};
  const before = machines?.[0] && machineHa(config, machines[0].id);
  const [chosen, setChosen] = useState<string[]>(machines?.map((each) => each.id) ?? []);
  const [priority, setPriority] = useState(before?.priority ?? AS_CLUSTER.priority);
  const [response, setResponse] = useState(before?.response ?? AS_CLUSTER.response);
  const candidates = useMemo(() => hostsBelow(cluster).flatMap((host) => [...inventory.machinesOn(host.id)].map((id) => inventory.get(id)!)), [cluster]);
  const ofCluster = config.dasConfig?.defaultVmSettings;
  const refs = chosen.map((id) => inventory.get(id)?.ref).filter((each) => each !== undefined);
  const spec = machinesSpec(config, refs, { priority, response });
  const reason = chosen.length === 0 ? 'For which machines?' : spec.dasVmConfigSpec.length === 0 ? 'Choose something else than the cluster does.' : undefined;
  return (
    <FormDialog title={machines ? `HA of ${machines.map(nameOf).join(', ')}` : `Machines with HA settings of their own`} submitLabel="Save" close={close} wide
      reason={reason} submit={() => reconfigureCluster(cluster.ref, spec)}>
      {!machines && <PickField label="Machines" entities={candidates} chosen={chosen} onChange={setChosen} about={(each) => nameOf(inventory.of(each.props['runtime.host']))} />}
      <SelectField label="Restart priority" value={priority} onChange={setPriority} choices={[{ value: AS_CLUSTER.priority, label: `As the cluster (${priorityWords(ofCluster?.restartPriority)})` }, ...asChoices(PRIORITIES)]} />
      <SelectField label="If its host is cut off" value={response} onChange={setResponse} choices={[{ value: AS_CLUSTER.response, label: `As the cluster (${responseWords(ofCluster?.isolationResponse)})` }, ...asChoices(RESPONSES)]} />
    </FormDialog>
  );
}
