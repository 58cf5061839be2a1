// How an object is set up, and where that is changed.
import { lazy, Suspense } from 'react';
import { lacking } from '../actions/registry';
import { call, get, type Data } from '../api/client';
import { bytes, number } from '../format/units';
import { useChanges } from '../store/hooks';
import { inventory, nameOf, type Entity } from '../store/inventory';
import { linkTo } from '../store/kinds';
import { manager } from '../store/session';
import { Button } from '../ui/Button';
import { FormDialog, openDialog } from '../ui/dialogs';
import { Empty, Facts, Panel } from '../ui/Panel';
import { Do } from './Do';
import type { TabProps } from './tabs';

// Much of what few open: it is not needed for the first page.
const AlarmDefinitions = lazy(() => import('./AlarmDefinitions'));
const ClusterConfig = lazy(() => import('./ClusterConfig'));

export function Configure({ entity }: TabProps) {
  const hasAlarms = manager('alarmManager') !== undefined;
  const own = <Own entity={entity} />;
  if (!hasAlarms) return own;
  return (
    <>
      {own}
      <Suspense fallback={null}><AlarmDefinitions entity={entity} /></Suspense>
    </>
  );
}

function Own({ entity }: TabProps) {
  const p = entity.props;
  if (entity.type === 'VirtualMachine' && p.config) return <MachineConfig entity={entity} />;
  if (entity.type === 'HostSystem') return <HostConfig entity={entity} />;
  if (entity.type === 'ClusterComputeResource' && p.configurationEx) return <ClusterConfig entity={entity} />;
  if (entity.type === 'Datastore') {
    const caps = p.capability ?? {};
    return (
      <div className="panels">
        <Panel title="Hosts that see it">
          <table className="table">
            <thead><tr><th>Path</th><th>Access</th><th>Reachable</th></tr></thead>
            <tbody>{((p.host ?? []) as Data[]).map((each) => (
              <tr key={each.key.value}><td>{each.mountInfo?.path}</td><td>{each.mountInfo?.accessMode}</td><td>{each.mountInfo?.accessible === false ? 'No' : 'Yes'}</td></tr>
            ))}</tbody>
          </table>
        </Panel>
        <Panel title="What it can"><Facts items={[['Thin disks per file', caps.perFileThinProvisioningSupported ? 'Yes' : 'No'], ['Directories', caps.directoryHierarchySupported ? 'Yes' : 'No']]} /></Panel>
      </div>
    );
  }
  return manager('alarmManager') ? null : <Empty title="Nothing to configure here" />;
}

// What comes with every machine and can't be taken away.
const FIXED = ['IDEController', 'PS2Controller', 'PCIController', 'SIOController', 'Keyboard', 'PointingDevice', 'MachineVideoCard', 'MachineVMCIDevice'].map((each) => `Virtual${each}`);
const isFixed = (device: Data) => FIXED.includes(device._typeName);

function whatItIs(device: Data): string {
  if (device._typeName === 'VirtualDisk') return `${bytes(device.capacityInBytes)}${device.backing?.thinProvisioned ? ', thin' : ''} · ${device.backing?.fileName ?? ''}`;
  if (device.macAddress) return [device.deviceInfo?.summary, device.macAddress].filter(Boolean).join(' · ');
  return device.backing?.fileName ?? device.deviceInfo?.summary ?? '';
}

function MachineConfig({ entity }: { entity: Entity }) {
  const config = entity.props.config;
  const devices: Data[] = config.hardware.device;
  const fixed = devices.filter(isFixed);
  return (
    <>
      <Panel title="Devices" actions={<Do entity={entity} id="vm.edit" />}>
        <table className="table">
          <thead><tr><th>Device</th><th>Kind</th><th>What it is</th></tr></thead>
          <tbody>
            {devices.filter((each) => !isFixed(each)).map((each) => (
              <tr key={each.key}>
                <td>{each.deviceInfo?.label ?? each.key}</td>
                <td className="dim">{String(each._typeName).replace(/^Virtual/, '')}</td>
                <td>{whatItIs(each)}</td>
              </tr>
            ))}
          </tbody>
        </table>
        <small>Every machine has these too: {fixed.map((each) => each.deviceInfo?.label ?? each.key).join(', ')}.</small>
      </Panel>
      <div className="panels">
        <Panel title="CPU"><Facts items={allocation(config.cpuAllocation, 'MHz', [['CPUs', number(config.hardware.numCPU)], ['Add while it runs', config.cpuHotAddEnabled ? 'Yes' : 'No']])} /></Panel>
        <Panel title="Memory"><Facts items={allocation(config.memoryAllocation, 'MiB', [['Size', bytes(config.hardware.memoryMB * 1048576)], ['Add while it runs', config.memoryHotAddEnabled ? 'Yes' : 'No']])} /></Panel>
        <Panel title="Start"><Facts items={[['Firmware', config.firmware === 'efi' ? 'UEFI' : 'BIOS'], ['Hardware version', config.version], ['Enter firmware setup', config.bootOptions?.enterBIOSSetup ? 'At the next start' : 'No']]} /></Panel>
      </div>
    </>
  );
}

function allocation(data: Data, unit: string, first: [string, string][]): [string, string][] {
  if (!data) return first;
  return [...first, ['Shares', `${number(data.shares?.shares)} (${data.shares?.level})`], ['Reservation', `${number(data.reservation)} ${unit}`], ['Limit', data.limit === undefined || data.limit < 0 ? 'None' : `${number(data.limit)} ${unit}`]];
}

function HostConfig({ entity }: { entity: Entity }) {
  const p = entity.props;
  const dns = p['config.network.dnsConfig'];
  const services: Data[] = p['config.service']?.service ?? [];
  return (
    <>
      <div className="panels">
        <Panel title="Names and addresses">
          <Facts items={[
            ['Host name', dns?.hostName], ['Domain', dns?.domainName], ['Name servers', dns?.address?.join(', ')],
            ...((p['config.network.vnic'] ?? []) as Data[]).map((each): [string, string] => [each.device, [each.spec?.ip?.ipAddress, each.portgroup].filter(Boolean).join(' · ')]),
          ]} />
        </Panel>
        <Panel title="Virtual switches">
          <Facts items={((p['config.network.vswitch'] ?? []) as Data[]).map((each) => [each.name, `${number(each.numPorts)} ports, ${(each.pnic ?? []).length} uplinks, MTU ${each.mtu ?? 1500}`])} />
        </Panel>
        <Panel title="Physical adapters">
          <Facts items={((p['config.network.pnic'] ?? []) as Data[]).map((each) => [each.device, `${each.mac} · ${each.linkSpeed ? `${number(each.linkSpeed.speedMb)} Mbit/s` : 'link down'}`])} />
        </Panel>
        <Panel title="Port groups">
          <Facts items={((p['config.network.portgroup'] ?? []) as Data[]).map((each) => [each.spec?.name, `${each.spec?.vswitchName}${each.spec?.vlanId ? `, VLAN ${each.spec.vlanId}` : ''}`])} />
        </Panel>
      </div>
      <Datastores host={entity} />
      {services.length > 0 && (
        <Panel title="Services">
          <table className="table">
            <thead><tr><th>Service</th><th>State</th><th>Start</th></tr></thead>
            <tbody>{services.map((each) => <tr key={each.key}><td>{each.label}</td><td>{each.running ? 'Running' : 'Stopped'}</td><td>{each.policy}</td></tr>)}</tbody>
          </table>
        </Panel>
      )}
    </>
  );
}

function Datastores({ host }: { host: Entity }) {
  useChanges(2000);
  const stores = ((host.props.datastore ?? []) as Data[]).map((each) => inventory.of(each)).filter((each): each is Entity => each !== undefined);
  const reason = lacking(host, 'Host.Config.Storage');
  return (
    <Panel title="Datastores" actions={<Do entity={host} id="host.newDatastore" />}>
      {stores.length === 0 ? <p className="dim">It has none: machines need one to be made.</p> : (
        <table className="table">
          <thead><tr><th>Name</th><th>Type</th><th>State</th><th className="right">Capacity</th><th className="right">Free</th><th><span className="sr-only">Change</span></th></tr></thead>
          <tbody>{stores.map((each) => (
            <tr key={each.id}>
              <td><a href={linkTo(each)}>{nameOf(each)}</a></td>
              <td>{each.props['summary.type']}</td>
              <td>{each.props['summary.accessible'] === false ? <span className="bad">Can&#39;t be reached</span> : 'Accessible'}</td>
              <td className="right nowrap">{bytes(each.props['summary.capacity'])}</td>
              <td className="right nowrap">{bytes(each.props['summary.freeSpace'])}</td>
              <td className="right">
                <Button kind="plain" icon="trash" label={`Remove ${nameOf(each)} from ${nameOf(host)}`} reason={reason} onClick={() => !reason && openDialog((close) => <RemoveDatastore host={host} store={each} close={close} />)} />
              </td>
            </tr>
          ))}</tbody>
        </table>
      )}
    </Panel>
  );
}

function RemoveDatastore({ host, store, close }: { host: Entity; store: Entity; close: () => void }) {
  return (
    <FormDialog title={`Remove datastore ${nameOf(store)} from ${nameOf(host)}`} submitLabel="Remove" danger close={close}
      submit={async () => {
        const managers = await get<Data>(host.ref, 'configManager');
        await call(managers.datastoreSystem, 'RemoveDatastore', { datastore: store.ref });
      }}>
      <p>The host forgets it. Its files stay where they are, and it can be added again.</p>
    </FormDialog>
  );
}
