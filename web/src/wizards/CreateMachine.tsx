// A new virtual machine: where, how big, from which ISO.
import { useMemo, useState } from 'react';
import { call, type Data, type MoRef } from '../api/client';
import { bytes } from '../format/units';
import { inventory, nameOf, type Entity } from '../store/inventory';
import { datacenterOf, linkTo } from '../store/kinds';
import { go } from '../store/route';
import { tasks } from '../store/tasks';
import { CheckField, NumberField, SelectField, TextField } from '../ui/fields';
import { FileField } from './FileField';
import { added, cdrom, disk, GIB, GUESTS, nic, scsiController, serialPort } from './hardware';
import { Review, Wizard, type Step } from './Wizard';

function readyHosts(): Entity[] {
  return inventory.all('HostSystem')
    .filter((host) => host.props['runtime.connectionState'] === 'connected' && !host.props['runtime.inMaintenanceMode'])
    .sort((a, b) => (a.sortName < b.sortName ? -1 : 1));
}

function isBelow(entity: Entity, place: Entity | undefined): boolean {
  if (!place) return true;
  if (place.type === 'Folder') return datacenterOf(entity)?.id === datacenterOf(place)?.id;
  for (let at: Entity | undefined = entity, depth = 0; at && depth < 50; depth++) {
    if (at.id === place.id) return true;
    at = inventory.of(at.props.parent);
  }
  return place.type === 'ResourcePool' ? entity.props.parent?.value === place.props.owner?.value : false;
}

export function CreateMachine({ place, close }: { place?: Entity; close: () => void }) {
  const hosts = useMemo(() => {
    const ready = readyHosts();
    const near = ready.filter((host) => isBelow(host, place));
    return near.length > 0 ? near : ready;
  }, [place]);
  const [name, setName] = useState('');
  const [hostId, setHostId] = useState(hosts[0]?.id ?? '');
  const host = inventory.get(hostId);
  const stores = ((host?.props.datastore ?? []) as MoRef[]).map((each) => inventory.of(each)).filter((each): each is Entity => Boolean(each) && each!.props['summary.accessible'] !== false);
  const networks = ((host?.props.network ?? []) as MoRef[]).map((each) => inventory.of(each)).filter((each): each is Entity => Boolean(each));
  const shared = stores.find((each) => each.props['summary.multipleHostAccess']) ?? stores[0];
  const [storeChoice, setStore] = useState('');
  const store = stores.find((each) => each.id === storeChoice) ?? shared;
  const [networkChoice, setNetwork] = useState('');
  const network = networkChoice === 'none' ? undefined : (networks.find((each) => each.id === networkChoice) ?? networks[0]);
  const [guest, setGuest] = useState('debian12_64Guest');
  const [cpus, setCpus] = useState(1);
  const [memory, setMemory] = useState(1024);
  const [diskSize, setDiskSize] = useState(10);
  const [thin, setThin] = useState(true);
  const [serial, setSerial] = useState(false);
  const [firmware, setFirmware] = useState('bios');
  const [iso, setIso] = useState('');
  const [start, setStart] = useState(true);

  const datacenter = datacenterOf(host);
  const folder = place?.type === 'Folder' && place.props.childType?.includes('VirtualMachine') ? place.ref : datacenter?.props.vmFolder;
  const taken = folder ? [...inventory.childrenOf(folder.value)].some((id) => nameOf(inventory.get(id)) === name.trim()) : false;

  const finish = async () => {
    const compute = inventory.of(host!.props.parent);
    const pool = place?.type === 'ResourcePool' ? place.ref : compute?.props.resourcePool;
    const changes: Data[] = [];
    if (diskSize > 0) changes.push(added(scsiController(-101)), added(disk(-102, -101, 0, diskSize * GIB, `[${nameOf(store)}]`, thin), true));
    changes.push(added(cdrom(-103, 200, 0, iso)));
    if (serial) changes.push(added(serialPort(-105, 'console0')));
    if (network) changes.push(added(nic(-104, network.ref, nameOf(network))));
    const config = {
      _typeName: 'VirtualMachineConfigSpec', name: name.trim(), guestId: guest, numCPUs: cpus, memoryMB: memory, firmware,
      files: { _typeName: 'VirtualMachineFileInfo', vmPathName: `[${nameOf(store)}]` }, deviceChange: changes,
    };
    const made: MoRef = await tasks.finish(await call<MoRef>(folder!, 'CreateVM_Task', { config, pool, host: host!.ref }));
    if (start) await call(made, 'PowerOnVM_Task');
    go(linkTo({ type: 'VirtualMachine', id: made.value }));
  };

  const steps: Step[] = [
    {
      id: 'name', title: 'Name and place',
      reason: !name.trim() ? 'The machine needs a name.' : name.length > 80 ? 'A name has at most 80 characters.'
        : taken ? 'There is a machine of this name already.' : !host ? 'No host is ready to take a machine.' : !store ? 'This host has no datastore that can be reached.' : undefined,
      content: (
        <>
          <TextField label="Name" value={name} onChange={setName} first />
          <SelectField label="Host" value={hostId} onChange={setHostId} choices={hosts.map((each) => ({ value: each.id, label: nameOf(each) }))} />
          <SelectField label="Datastore" value={store?.id ?? ''} onChange={setStore}
            choices={stores.map((each) => ({ value: each.id, label: `${nameOf(each)} (${bytes(each.props['summary.freeSpace'])} free)` }))} />
        </>
      ),
    },
    {
      id: 'hardware', title: 'Hardware',
      reason: !(cpus >= 1 && cpus <= 128) ? 'CPUs: from 1 to 128.' : !(memory >= 4) ? 'Memory: at least 4 MiB.' : memory % 4 !== 0 ? 'Memory comes in steps of 4 MiB.'
        : !(diskSize >= 0 && diskSize <= 65536) ? 'Disk: up to 65,536 GiB; 0 for none.' : undefined,
      content: (
        <>
          <SelectField label="Guest system" value={guest} onChange={setGuest} choices={GUESTS} />
          <NumberField label="CPUs" value={cpus} onChange={setCpus} min={1} max={128} />
          <NumberField label="Memory" value={memory} onChange={setMemory} min={4} max={4194304} step={4} unit="MiB" />
          <NumberField label="Disk" value={diskSize} onChange={setDiskSize} min={0} max={65536} unit="GiB" />
          <CheckField label="Thin: take space on the datastore only as it is written" value={thin} onChange={setThin} />
          <SelectField label="Network" value={networkChoice === 'none' ? 'none' : (network?.id ?? 'none')} onChange={setNetwork}
            choices={[...networks.map((each) => ({ value: each.id, label: nameOf(each) })), { value: 'none', label: 'No network' }]} />
          <CheckField label="Serial port, with a text console in the browser" value={serial} onChange={setSerial} />
          <SelectField label="Firmware" value={firmware} onChange={setFirmware} choices={[{ value: 'bios', label: 'BIOS' }, { value: 'efi', label: 'UEFI' }]} />
        </>
      ),
    },
    {
      id: 'media', title: 'Installation medium',
      content: (
        <>
          <p>The machine boots from this image when its disk is empty. Upload images to any datastore of the host in its Files tab.</p>
          <FileField label="ISO image" value={iso} onChange={setIso} stores={stores} pattern="*.iso" />
        </>
      ),
    },
    {
      id: 'review', title: 'Ready to complete',
      content: (
        <>
          <Review items={[
            ['Name', name], ['Host', nameOf(host)], ['Datastore', nameOf(store)], ['Guest system', GUESTS.find((each) => each.value === guest)?.label],
            ['CPUs', cpus], ['Memory', bytes(memory * 1048576)], ['Disk', diskSize > 0 ? `${bytes(diskSize * GIB)}${thin ? ', thin' : ''}` : 'None'],
            ['Network', network ? nameOf(network) : 'None'], ['Serial port', serial ? 'Yes' : 'No'], ['Firmware', firmware === 'efi' ? 'UEFI' : 'BIOS'], ['ISO image', iso || 'None'],
          ]} />
          <CheckField label="Power it on when it is made" value={start} onChange={setStart} />
        </>
      ),
    },
  ];
  return <Wizard title="New virtual machine" steps={steps} finishLabel="Create" finish={finish} close={close} />;
}
