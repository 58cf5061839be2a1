// A rule of a cluster: a new one, or another shape of one.
import { Alert } from '../ui/patternfly';
import { useMemo, useState } from 'react';
import { reconfigureCluster } from '../api/cluster';
import { useEntity } from '../store/hooks';
import { inventory, nameOf, type Entity } from '../store/inventory';
import { hostsBelow } from '../store/kinds';
import { FormDialog } from '../ui/dialogs';
import { CheckField, RadioField, TextField } from '../ui/fields';
import { PickField } from '../ui/PickField';
import { isAboutHosts, RULE_KINDS, ruleIsLacking, rulesOf, saving, sharing, type Rule, type RuleKind } from './rules';

export function EditRule({ cluster, before, close }: { cluster: Entity; before?: Rule; close: () => void }) {
  const config = useEntity(cluster.id)?.props.configurationEx;
  const [name, setName] = useState(before?.name ?? '');
  const [enabled, setEnabled] = useState(before?.enabled ?? true);
  const [kind, setKind] = useState<RuleKind>(before?.kind ?? 'apart');
  const [must, setMust] = useState(before?.must ?? false);
  const [machines, setMachines] = useState(before?.machines ?? []);
  const [hosts, setHosts] = useState(before?.hosts ?? []);
  const places = useMemo(() => hostsBelow(cluster), [cluster]);
  const candidates = useMemo(() => places.flatMap((host) => [...inventory.machinesOn(host.id)].map((id) => inventory.get(id)!)), [places]);
  const rule: Rule = { ...before, name, enabled, kind, must: must && isAboutHosts(kind), machines, hosts };
  const shared = isAboutHosts(kind) ? sharing(rule, rulesOf(config)) : [];
  return (
    <FormDialog title={before ? `Rule ${before.name}` : `New rule in ${nameOf(cluster)}`} submitLabel={before ? 'Save' : 'Add'} close={close} wide
      reason={ruleIsLacking(rule)} submit={() => reconfigureCluster(cluster.ref, saving(before, rule, config))}>
      <TextField label="Name" value={name} onChange={setName} first />
      <CheckField label="The rule counts" value={enabled} onChange={setEnabled} />
      <RadioField label="What it says" value={kind} onChange={(value) => setKind(value as RuleKind)} choices={RULE_KINDS} />
      <PickField label="Machines" entities={candidates} chosen={machines} onChange={setMachines} about={(each) => nameOf(inventory.of(each.props['runtime.host']))} />
      {isAboutHosts(kind) && <PickField label="Hosts" entities={places} chosen={hosts} onChange={setHosts} />}
      {isAboutHosts(kind) && (
        <RadioField label="How strictly" value={must ? 'must' : 'should'} onChange={(value) => setMust(value === 'must')} choices={[
          { value: 'should', label: 'If it can be', hint: 'Given up where nothing else is left.' },
          { value: 'must', label: 'Always', hint: 'A machine rather stays off than breaks it.' },
        ]} />
      )}
      {shared.length > 0 && <Alert isInline variant="info" title={`The same group is used by ${shared.join(', ')}: its members change there too.`} />}
    </FormDialog>
  );
}
