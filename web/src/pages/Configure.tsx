// How an object is set up, and where that is changed.
import { actionsFor, perform, reasonFor } from '../actions/registry';
import type { Data } from '../api/client';
import { bytes, number } from '../format/units';
import type { Entity } from '../store/inventory';
import { Button } from '../ui/Button';
import { Empty, Facts, Panel } from '../ui/Panel';
import { automationWords, thresholdWords } from '../wizards/EditDrs';
import type { TabProps } from './tabs';

function Do({ entity, id }: { entity: Entity; id: string }) {
  const action = actionsFor([entity]).find((each) => each.id === id);
  if (!action) return null;
  const reason = reasonFor(action, [entity]);
  return <Button icon={action.icon} reason={reason} onClick={() => reason === undefined && void perform(action, [entity])}>{action.label}</Button>;
}

export function Configure({ entity }: TabProps) {
  const p = entity.props;
  if (entity.type === 'VirtualMachine' && p.config) return <MachineConfig entity={entity} />;
  if (entity.type === 'HostSystem') return <HostConfig entity={entity} />;
  if (entity.type === 'ClusterComputeResource' && p.configurationEx) {
    const { drsConfig, dasConfig } = p.configurationEx;
    return (
      <div className="panels">
        <Panel title="DRS" actions={<Do entity={entity} id="cluster.drs" />}>
          <Facts items={[['State', drsConfig?.enabled ? 'On' : 'Off'], ['Automation', automationWords(drsConfig?.defaultVmBehavior)], ['Threshold', thresholdWords(drsConfig?.vmotionRate)]]} />
        </Panel>
        <Panel title="HA"><Facts items={[['State', dasConfig?.enabled ? 'On' : 'Off']]} /></Panel>
      </div>
    );
  }
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
  return <Empty title="Nothing to configure here" />;
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
