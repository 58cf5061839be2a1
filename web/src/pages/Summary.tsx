// What matters of an object at a glance.
import { Alert } from '../ui/patternfly';
import type { ReactNode } from 'react';
import type { Data } from '../api/client';
import { bytes, duration, mebibytes, mhz, number, percent, when, words } from '../format/units';
import { useChanges } from '../store/hooks';
import { inventory, nameOf, type Entity } from '../store/inventory';
import { datacenterOf, hostsBelow, linkTo, titleOf } from '../store/kinds';
import { session } from '../store/session';
import { hostCpuTotal, machineState } from '../ui/columns';
import { Facts, Meter, Panel } from '../ui/Panel';
import { automationWords } from '../wizards/EditDrs';
import { CpuReady } from './CpuReady';
import { FirstSteps } from './FirstSteps';
import { Question } from './Question';
import { Screenshot } from './Screenshot';
import type { TabProps } from './tabs';

export function EntityLink({ entity }: { entity: Entity | undefined }) {
  return entity ? <a href={linkTo(entity)}>{titleOf(entity)}</a> : null;
}

export function Summary({ entity }: TabProps) {
  switch (entity.type) {
    case 'VirtualMachine': return <MachineSummary entity={entity} />;
    case 'HostSystem': return <HostSummary entity={entity} />;
    case 'Datastore': return <DatastoreSummary entity={entity} />;
    case 'Network': return <NetworkSummary entity={entity} />;
    default: return <PlaceSummary entity={entity} />;
  }
}

function Issues({ entity }: { entity: Entity }) {
  const issues: Data[] = entity.props.configIssue ?? [];
  return issues.map((each, index) => <Alert key={index} isInline variant="warning" title={each.fullFormattedMessage ?? each._typeName} />);
}

function links(references: Data[] | undefined): ReactNode {
  const entities = (references ?? []).map((each) => inventory.of(each)).filter((each): each is Entity => Boolean(each));
  return entities.map((each, index) => <span key={each.id}>{index > 0 && ', '}<EntityLink entity={each} /></span>);
}

// What is not measured on this host is left out.
function memoryParts(quick: Data): string | undefined {
  const parts = [['Active', quick.guestMemoryUsage], ['shared', quick.sharedMemory], ['ballooned', quick.balloonedMemory], ['swapped', quick.swappedMemory || undefined]]
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name} ${mebibytes(value)}`);
  return parts.length > 0 ? parts.join(' · ') : undefined;
}

function MachineSummary({ entity }: TabProps) {
  const p = entity.props;
  const host = inventory.of(p['runtime.host']);
  const isOn = p['runtime.powerState'] === 'poweredOn';
  const quick = p['summary.quickStats'] ?? {};
  const cpuTotal = (p['summary.config.numCpu'] ?? 0) * (host?.props['summary.hardware.cpuMhz'] ?? 0);
  const storage = p['summary.storage'];
  return (
    <>
      <Question entity={entity} />
      <Issues entity={entity} />
      <CpuReady entity={entity} />
      <div className="panels">
        <Panel title="Machine" className="panel-wide">
          <div className="machine-summary">
            <Screenshot entity={entity} />
            <Facts items={[
              ['State', machineState(entity)],
              ['Guest system', p.guest?.guestFullName ?? p['summary.config.guestFullName']],
              ['Guest agent', words(p['guest.toolsRunningStatus'])],
              ['Host name', p['guest.hostName']],
              ['IP addresses', (p.guest?.net ?? []).flatMap((each: Data) => each.ipAddress ?? []).join(', ') || p['guest.ipAddress']],
              ['Up for', isOn ? duration(p['summary.quickStats.uptimeSeconds']) : undefined],
              ['Host', host && <EntityLink entity={host} />],
              ['Protected by HA', isOn && p['runtime.dasVmProtection'] ? (p['runtime.dasVmProtection'].dasProtected ? 'Yes' : <span className="warn">No</span>) : undefined],
              ['Notes', p.config?.annotation],
            ]} />
          </div>
        </Panel>
        <Panel title="Use">
          <Meter label="CPU" used={isOn ? p['summary.quickStats.overallCpuUsage'] : 0} total={cpuTotal} text={isOn ? `${mhz(p['summary.quickStats.overallCpuUsage'])} of ${mhz(cpuTotal)}` : 'Off'} />
          <Meter label="Memory" used={isOn ? p['summary.quickStats.hostMemoryUsage'] : 0} total={p['summary.config.memorySizeMB']}
            text={isOn ? `${mebibytes(p['summary.quickStats.hostMemoryUsage'])} of ${mebibytes(p['summary.config.memorySizeMB'])}` : 'Off'}
            calm note={isOn ? memoryParts(quick) : undefined} />
          <Meter label="Storage" used={storage?.committed ?? p['summary.storage.committed']} total={(storage?.committed ?? 0) + (storage?.uncommitted ?? 0)}
            text={`${bytes(storage?.committed ?? p['summary.storage.committed'])} of ${bytes((storage?.committed ?? 0) + (storage?.uncommitted ?? 0))}`} />
        </Panel>
        <Panel title="Hardware">
          <Facts items={[
            ['CPUs', number(p['summary.config.numCpu'])],
            ['Memory', mebibytes(p['summary.config.memorySizeMB'])],
            ...((p.config?.hardware?.device ?? []) as Data[]).filter((each) => each._typeName === 'VirtualDisk').map((each): [string, ReactNode] => [each.deviceInfo?.label, `${bytes(each.capacityInBytes)}${each.backing?.thinProvisioned ? ', thin' : ''}`]),
            ...((p.config?.hardware?.device ?? []) as Data[]).filter((each) => each.macAddress).map((each): [string, ReactNode] => [each.deviceInfo?.label, `${each.backing?.deviceName ?? ''} (${each.connectable?.connected === false && isOn ? 'disconnected' : each.macAddress})`]),
            ['CD/DVD', ((p.config?.hardware?.device ?? []) as Data[]).find((each) => each._typeName === 'VirtualCdrom' && each.backing?.fileName)?.backing.fileName],
            ['Firmware', p.config?.firmware === 'efi' ? 'UEFI' : p.config?.firmware === 'bios' ? 'BIOS' : undefined],
          ]} />
        </Panel>
        <Panel title="Where it is">
          <Facts items={[
            ['Files', p['summary.config.vmPathName']],
            ['Datastores', links(p.datastore)],
            ['Networks', links(p.network)],
            ['Resource pool', inventory.of(p.resourcePool) && <EntityLink entity={inventory.of(p.resourcePool)} />],
            ['Folder', inventory.of(p.parent) && <EntityLink entity={inventory.of(p.parent)} />],
            ['UUID', p.config?.uuid],
          ]} />
        </Panel>
      </div>
    </>
  );
}

function HostSummary({ entity }: TabProps) {
  const p = entity.props;
  const memory = p['summary.hardware.memorySize'];
  const usedMemory = (p['summary.quickStats.overallMemoryUsage'] ?? 0) * 1048576;
  const machines = [...inventory.machinesOn(entity.id)];
  const running = machines.filter((id) => inventory.get(id)?.props['runtime.powerState'] === 'poweredOn').length;
  const stores = ((p.datastore ?? []) as Data[]).map((each) => inventory.of(each)).filter((each): each is Entity => Boolean(each));
  return (
    <>
      <Issues entity={entity} />
      <div className="panels">
        <Panel title="Use">
          <Meter label="CPU" used={p['summary.quickStats.overallCpuUsage']} total={hostCpuTotal(entity)} text={`${mhz(p['summary.quickStats.overallCpuUsage'])} of ${mhz(hostCpuTotal(entity))}`} />
          <Meter label="Memory" used={usedMemory} total={memory} text={`${bytes(usedMemory)} of ${bytes(memory)}`} />
          {stores.slice(0, 6).map((each) => {
            const capacity = each.props['summary.capacity'];
            const used = capacity - each.props['summary.freeSpace'];
            return <Meter key={each.id} label={nameOf(each)} used={used} total={capacity} text={`${bytes(used)} of ${bytes(capacity)}`} />;
          })}
        </Panel>
        <Panel title="Host">
          <Facts items={[
            ['Version', p['summary.config.product.fullName']],
            ['Model', [p['summary.hardware.vendor'], p['summary.hardware.model']].filter((each) => each && each !== 'Unknown').join(' ')],
            ['Processor', p['summary.hardware.cpuModel']],
            ['Cores', `${number(p['summary.hardware.numCpuCores'])} (${number(p['summary.hardware.numCpuThreads'])} threads), ${mhz(p['summary.hardware.cpuMhz'])}`],
            ['Memory', bytes(memory)],
            ['Up for', duration(p['summary.quickStats.uptime'])],
            ['Started', when(p.runtime?.bootTime)],
            ['CPU baseline (EVC)', p.summary?.currentEVCModeKey],
            ['HA', p.runtime?.dasHostState && words(p.runtime.dasHostState.state)],
          ]} />
        </Panel>
        <Panel title="Machines">
          <Facts items={[
            ['Running', <a key="vms" href={linkTo(entity, 'related', { show: 'vm' })}>{number(running)}</a>],
            ['Off or suspended', number(machines.length - running)],
            ['Datastores', links(p.datastore)],
            ['Networks', links(p.network)],
            ['Cluster', inventory.of(p.parent)?.type === 'ClusterComputeResource' && <EntityLink entity={inventory.of(p.parent)} />],
            ['Datacenter', session.isCenter && <EntityLink entity={datacenterOf(entity)} />],
          ]} />
        </Panel>
      </div>
    </>
  );
}

function DatastoreSummary({ entity }: TabProps) {
  const p = entity.props;
  const capacity = p['summary.capacity'];
  const free = p['summary.freeSpace'];
  const promised = capacity - free + (p['summary.uncommitted'] ?? 0);
  return (
    <div className="panels">
      <Panel title="Use">
        <Meter label="Used" used={capacity - free} total={capacity} text={`${bytes(capacity - free)} of ${bytes(capacity)}`} />
        <Meter label="Promised to thin disks too" used={promised} total={capacity} text={`${bytes(promised)} of ${bytes(capacity)}`} note={promised > capacity ? 'More is promised than there is: watch what is free.' : undefined} />
      </Panel>
      <Panel title="Datastore">
        <Facts items={[
          ['Type', p['summary.type']], ['Capacity', bytes(capacity)], ['Free', `${bytes(free)} (${percent(free, capacity)})`],
          ['Location', p['summary.url']], ['Shared by hosts', p['summary.multipleHostAccess'] ? 'Yes' : 'No'],
          ['Hosts', links((p.host ?? []).map((each: Data) => each.key))], ['Machines', number(p.vm?.length ?? 0)],
        ]} />
      </Panel>
    </div>
  );
}

function NetworkSummary({ entity }: TabProps) {
  const p = entity.props;
  return (
    <div className="panels">
      <Panel title="Network">
        <Facts items={[['Accessible', p.summary?.accessible === false ? 'No' : 'Yes'], ['Hosts', links(p.host)], ['Machines', links(p.vm)]]} />
      </Panel>
    </div>
  );
}

function PlaceSummary({ entity }: TabProps) {
  useChanges(2000);
  const hosts = hostsBelow(entity);
  const machines = hosts.flatMap((host) => [...inventory.machinesOn(host.id)]);
  const running = machines.filter((id) => inventory.get(id)?.props['runtime.powerState'] === 'poweredOn').length;
  const sum = (value: (host: Entity) => number | undefined) => hosts.reduce((total, host) => total + (value(host) ?? 0), 0);
  const stores = new Set(hosts.flatMap((host) => ((host.props.datastore ?? []) as Data[]).map((each) => each.value as string)));
  const storeSum = (path: string) => [...stores].reduce((total, id) => total + (inventory.get(id)?.props[path] ?? 0), 0);
  const capacity = storeSum('summary.capacity');
  const free = storeSum('summary.freeSpace');
  const memory = sum((host) => host.props['summary.hardware.memorySize']);
  const usedMemory = sum((host) => (host.props['summary.quickStats.overallMemoryUsage'] ?? 0) * 1048576);
  const cpu = sum(hostCpuTotal);
  const usedCpu = sum((host) => host.props['summary.quickStats.overallCpuUsage']);
  const drs = entity.props.configurationEx?.drsConfig;
  const das = entity.props.configurationEx?.dasConfig;
  return (
    <>
      <FirstSteps />
      <Issues entity={entity} />
      <div className="panels">
        <Panel title="Use">
          <Meter label="CPU" used={usedCpu} total={cpu} text={`${mhz(usedCpu)} of ${mhz(cpu)}`} />
          <Meter label="Memory" used={usedMemory} total={memory} text={`${bytes(usedMemory)} of ${bytes(memory)}`} />
          <Meter label="Storage" used={capacity - free} total={capacity} text={`${bytes(capacity - free)} of ${bytes(capacity)}`} />
        </Panel>
        <Panel title="What is in it">
          <Facts items={[
            ['Hosts', <a key="hosts" href={linkTo(entity, 'related', { show: 'host' })}>{number(hosts.length)}</a>],
            ['Not connected', number(hosts.filter((host) => host.props['runtime.connectionState'] !== 'connected').length)],
            ['In maintenance mode', number(hosts.filter((host) => host.props['runtime.inMaintenanceMode']).length)],
            ['Machines', <a key="vms" href={linkTo(entity, 'related', { show: 'vm' })}>{number(machines.length)}</a>],
            ['Running', number(running)],
            ['Datastores', number(stores.size)],
            ['DRS', drs && <a key="drs" href={linkTo(entity, 'monitor', { show: 'drs' })}>{drs.enabled ? automationWords(drs.defaultVmBehavior) : 'Off'}</a>],
            ['HA', das && <a key="ha" href={linkTo(entity, 'configure')}>{das.enabled ? 'On' : 'Off'}</a>],
          ]} />
        </Panel>
        {entity.id === session.content?.rootFolder?.value && (
          <Panel title={session.isCenter ? 'Center' : 'Host'}>
            <Facts items={[['Product', session.content.about.fullName], ['API', `${session.content.about.apiType} ${session.content.about.apiVersion}`], ['Logged in as', session.snapshot().user]]} />
          </Panel>
        )}
      </div>
    </>
  );
}
