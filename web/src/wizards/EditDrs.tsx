// What DRS of a cluster may do by itself, and how little must be gained.
import { useState } from 'react';
import type { Data } from '../api/client';
import { reconfigureCluster } from '../api/cluster';
import { useEntity } from '../store/hooks';
import { nameOf, type Entity } from '../store/inventory';
import { FormDialog } from '../ui/dialogs';
import { CheckField, RadioField, SelectField } from '../ui/fields';

const AUTOMATION: [value: string, label: string, hint: string][] = [
  ['fullyAutomated', 'Fully automated', 'It chooses hosts at power-on and moves machines.'],
  ['partiallyAutomated', 'Partially automated', 'It chooses hosts at power-on; moves are recommended.'],
  ['manual', 'Manual', 'It only recommends.'],
];

const THRESHOLDS = ['whatever helps', 'eager', 'in between', 'careful', 'only what must be'];

export function automationWords(value: string | undefined): string {
  return AUTOMATION.find((each) => each[0] === value)?.[1] ?? (value === 'disabled' ? 'Left alone' : (value ?? '–'));
}

export function thresholdWords(rate: number | undefined): string {
  return `${rate ?? 3} of 5: ${THRESHOLDS[(rate ?? 3) - 1] ?? ''}`;
}

export function EditDrs({ cluster, close }: { cluster: Entity; close: () => void }) {
  const now: Data = useEntity(cluster.id)?.props.configurationEx?.drsConfig ?? {};
  const [enabled, setEnabled] = useState(Boolean(now.enabled));
  const [behavior, setBehavior] = useState<string>(now.defaultVmBehavior ?? 'fullyAutomated');
  const [rate, setRate] = useState(String(now.vmotionRate ?? 3));
  const save = async () => {
    const drsConfig = { _typeName: 'ClusterDrsConfigInfo', enabled, defaultVmBehavior: behavior, vmotionRate: Number(rate) };
    await reconfigureCluster(cluster.ref, { drsConfig });
  };
  return (
    <FormDialog title={`DRS of ${nameOf(cluster)}`} description="DRS runs machines where they are served best, and says why." submitLabel="Save" close={close} submit={save} wide>
      <CheckField label="DRS is on" value={enabled} onChange={setEnabled} />
      <RadioField label="Automation" value={behavior} onChange={setBehavior} choices={AUTOMATION.map(([value, label, hint]) => ({ value, label, hint }))} />
      <SelectField label="Threshold" value={rate} onChange={setRate} hint="How much a move must bring more than it costs."
        choices={THRESHOLDS.map((label, index) => ({ value: String(index + 1), label: `${index + 1}: ${label}` }))} />
    </FormDialog>
  );
}
