// How a cluster is set up: DRS, high availability, and the rules about which machines run where.
import { useState, type ReactNode } from 'react';
import { lacking } from '../actions/registry';
import type { Data } from '../api/client';
import { reconfigureCluster } from '../api/cluster';
import { number } from '../format/units';
import { useChanges } from '../store/hooks';
import { inventory, nameOf, type Entity } from '../store/inventory';
import { hostsBelow, linkTo } from '../store/kinds';
import { Button } from '../ui/Button';
import { FormDialog, openDialog, tell } from '../ui/dialogs';
import { Facts, Panel } from '../ui/Panel';
import { EditHaMachines } from '../wizards/EditHa';
import { automationWords, thresholdWords } from '../wizards/EditDrs';
import { EditRule } from '../wizards/EditRule';
import { AS_CLUSTER, machineHa, machinesSpec, priorityWords, responseWords } from '../wizards/ha';
import { isAboutHosts, isKept, removal, RULE_KINDS, rulesOf, switching, type Rule } from '../wizards/rules';
import { Do } from './Do';

const MOST_NAMES = 6;

export default function ClusterConfig({ entity }: { entity: Entity }) {
  const config = entity.props.configurationEx;
  const { drsConfig, dasConfig } = config;
  return (
    <>
      <div className="panels">
        <Panel title="DRS" actions={<Do entity={entity} id="cluster.drs" />}>
          <Facts items={[['State', drsConfig?.enabled ? 'On' : 'Off'], ['Automation', automationWords(drsConfig?.defaultVmBehavior)], ['Threshold', thresholdWords(drsConfig?.vmotionRate)]]} />
        </Panel>
        <Panel title="HA" actions={<Do entity={entity} id="cluster.ha" />}>
          <Facts items={[
            ['State', dasConfig?.enabled ? 'On' : 'Off'],
            ['Restart priority', priorityWords(dasConfig?.defaultVmSettings?.restartPriority)],
            ['If a host is cut off', responseWords(dasConfig?.defaultVmSettings?.isolationResponse)],
            ['Protected now', dasConfig?.enabled && <Protected cluster={entity} />],
          ]} />
        </Panel>
      </div>
      <Rules cluster={entity} config={config} />
      <HaMachines cluster={entity} config={config} />
    </>
  );
}

// What is switched on is one thing, what is so another: machines whose files lie elsewhere are not.
function Protected({ cluster }: { cluster: Entity }) {
  useChanges(1000);
  const machines = hostsBelow(cluster).flatMap((host) => [...inventory.machinesOn(host.id)].map((id) => inventory.get(id)!));
  const running = machines.filter((each) => each.props['runtime.powerState'] === 'poweredOn');
  const count = running.filter((each) => each.props['runtime.dasVmProtection']?.dasProtected).length;
  return <span className={count < running.length ? 'warn' : undefined}>{number(count)} of {number(running.length)} running machines</span>;
}

function named(ids: string[]): ReactNode {
  const shown = ids.slice(0, MOST_NAMES).map((id) => inventory.get(id)).filter((each): each is Entity => each !== undefined);
  return (
    <>
      {shown.map((each, index) => <span key={each.id}>{index > 0 && ', '}<a href={linkTo(each)}>{nameOf(each)}</a></span>)}
      {ids.length > shown.length && <span className="dim"> and {ids.length - shown.length} more</span>}
    </>
  );
}

function kindWords(rule: Rule): string {
  const kind = RULE_KINDS.find((each) => each.value === rule.kind)?.label ?? 'Made by another client';
  return isAboutHosts(rule.kind) ? `${kind}, ${rule.must ? 'always' : 'if it can be'}` : kind;
}

const hostOf = (id: string): string | undefined => {
  const machine = inventory.get(id);
  return machine?.props['runtime.powerState'] === 'poweredOn' ? machine.props['runtime.host']?.value : undefined;
};

function Rules({ cluster, config }: { cluster: Entity; config: Data }) {
  // Machines that move keep or break them.
  useChanges(1000);
  const [busy, setBusy] = useState<number | undefined>();
  const rules = rulesOf(config);
  const reason = lacking(cluster, 'Host.Inventory.EditCluster');
  const switchTo = async (rule: Rule, enabled: boolean) => {
    setBusy(rule.key);
    await reconfigureCluster(cluster.ref, switching(rule, config, enabled)).catch((error) => tell('The rule was not changed', error));
    setBusy(undefined);
  };
  return (
    <Panel title="Rules" actions={<Button icon="plus" reason={reason} onClick={() => !reason && openDialog((close) => <EditRule cluster={cluster} close={close} />)}>Add rule</Button>}>
      {rules.length === 0 ? <p className="dim">No rule says which machines run together, apart, or on which hosts.</p> : (
        <table className="table">
          <thead><tr><th>Counts</th><th>Rule</th><th>What it says</th><th>Machines</th><th>Hosts</th><th>Now</th><th><span className="sr-only">Change</span></th></tr></thead>
          <tbody>
            {rules.map((rule) => (
              <tr key={rule.key}>
                <td><input type="checkbox" aria-label={`Rule ${rule.name} counts`} checked={rule.enabled} disabled={Boolean(reason) || busy === rule.key} title={reason} onChange={(event) => void switchTo(rule, event.target.checked)} /></td>
                <td>{rule.name}</td>
                <td>{kindWords(rule)}</td>
                <td>{named(rule.machines)}</td>
                <td>{named(rule.hosts)}</td>
                <td className="nowrap">{!rule.enabled || !rule.kind ? <span className="dim">–</span> : isKept(rule, hostOf) ? <span className="good">Kept</span> : <span className="warn">Not kept</span>}</td>
                <td className="right nowrap">
                  <span className="row-actions">
                    <Button kind="plain" icon="edit" label={`Edit rule ${rule.name}`} reason={reason ?? (rule.kind ? undefined : 'Rules of this kind are changed by other clients only.')}
                      onClick={() => !reason && rule.kind && openDialog((close) => <EditRule cluster={cluster} before={rule} close={close} />)} />
                    <Button kind="plain" icon="trash" label={`Remove rule ${rule.name}`} reason={reason} onClick={() => !reason && openDialog((close) => <RemoveRule cluster={cluster} rule={rule} close={close} />)} />
                  </span>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {rules.length > 0 && !config.drsConfig?.enabled && <small>DRS is off: nothing is moved so that a rule is kept.</small>}
    </Panel>
  );
}

function RemoveRule({ cluster, rule, close }: { cluster: Entity; rule: Rule; close: () => void }) {
  return (
    <FormDialog title={`Remove rule ${rule.name}`} submitLabel="Remove" danger close={close} submit={() => reconfigureCluster(cluster.ref, removal(rule, cluster.props.configurationEx))}>
      <p>Its machines stay where they are; nothing keeps them there any more.</p>
    </FormDialog>
  );
}

function HaMachines({ cluster, config }: { cluster: Entity; config: Data }) {
  const reason = lacking(cluster, 'Host.Inventory.EditCluster');
  const own = ((config.dasVmConfig ?? []) as Data[]).map((each) => inventory.of(each.key)).filter((each): each is Entity => each !== undefined);
  const asCluster = (machine: Entity) => reconfigureCluster(cluster.ref, machinesSpec(config, [machine.ref], { priority: AS_CLUSTER.priority, response: AS_CLUSTER.response }))
    .catch((error) => tell('Its settings were not removed', error));
  return (
    <Panel title="Machines with HA settings of their own" actions={<Button icon="plus" reason={reason} onClick={() => !reason && openDialog((close) => <EditHaMachines cluster={cluster} close={close} />)}>Add machines</Button>}>
      {own.length === 0 ? <p className="dim">All machines are treated as the cluster says.</p> : (
        <table className="table">
          <thead><tr><th>Machine</th><th>Restart priority</th><th>If its host is cut off</th><th><span className="sr-only">Change</span></th></tr></thead>
          <tbody>
            {own.map((machine) => {
              const settings = machineHa(config, machine.id)!;
              return (
                <tr key={machine.id}>
                  <td><a href={linkTo(machine)}>{nameOf(machine)}</a></td>
                  <td>{priorityWords(settings.priority)}</td>
                  <td>{responseWords(settings.response)}</td>
                  <td className="right nowrap">
                    <span className="row-actions">
                      <Button kind="plain" icon="edit" label={`Edit HA of ${nameOf(machine)}`} reason={reason} onClick={() => !reason && openDialog((close) => <EditHaMachines cluster={cluster} machines={[machine]} close={close} />)} />
                      <Button kind="plain" icon="trash" label={`Treat ${nameOf(machine)} as the cluster says`} reason={reason} onClick={() => !reason && void asCluster(machine)} />
                    </span>
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      )}
    </Panel>
  );
}
