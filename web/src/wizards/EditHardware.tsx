// Edits a machine's hardware. Only what was changed is sent, with the version that was read, so
// that two people do not overwrite each other.
import { Alert } from '../ui/patternfly';
import { useState } from 'react';
import { call, get, wordsFor, type Data, type MoRef } from '../api/client';
import { bytes } from '../format/units';
import { useEntity, useLoaded } from '../store/hooks';
import { inventory, nameOf, type Entity } from '../store/inventory';
import { tasks } from '../store/tasks';
import { Button } from '../ui/Button';
import { FormDialog } from '../ui/dialogs';
import { CheckField, NumberField, SelectField, TextField } from '../ui/fields';
import { FileField } from './FileField';
import { added, cdrom, disk, edited, freeUnit, GIB, nic, removed, scsiController, serialPort } from './hardware';

interface NewDisk { key: number; size: number }
interface NewNic { key: number; network: string }

const CARD = /^Virtual(E1000e?|Vmxnet[23]?|PCNet32|SriovEthernetCard|EthernetCard)$/;

export function EditHardware({ machine, close }: { machine: Entity; close: () => void }) {
  const config = useLoaded(() => get<Data>(machine.ref, 'config'), [machine.id]);
  if (!config.value) {
    return (
      <FormDialog title={`Edit hardware of ${nameOf(machine)}`} submitLabel="Save" reason="Still reading what it has." submit={async () => {}} close={close}>
        {config.error ? <Alert isInline variant="danger" title={wordsFor(config.error)} /> : <p>Reading its hardware…</p>}
      </FormDialog>
    );
  }
  return <Editor machine={machine} config={config.value} close={close} />;
}

function Editor({ machine, config, close }: { machine: Entity; config: Data; close: () => void }) {
  const live = useEntity(machine.id) ?? machine;
  const isOff = live.props['runtime.powerState'] === 'poweredOff';
  const host = inventory.of(live.props['runtime.host']);
  const stores = ((host?.props.datastore ?? live.props.datastore ?? []) as MoRef[]).map((each) => inventory.of(each)).filter((each): each is Entity => Boolean(each));
  const networks = ((host?.props.network ?? []) as MoRef[]).map((each) => inventory.of(each)).filter((each): each is Entity => Boolean(each));
  const devices: Data[] = config.hardware.device;
  const disks = devices.filter((each) => each._typeName === 'VirtualDisk');
  const drives = devices.filter((each) => each._typeName === 'VirtualCdrom');
  const cards = devices.filter((each) => CARD.test(each._typeName));
  const ports = devices.filter((each) => each._typeName === 'VirtualSerialPort');

  const [cpus, setCpus] = useState<number>(config.hardware.numCPU);
  const [memory, setMemory] = useState<number>(config.hardware.memoryMB);
  const [notes, setNotes] = useState<string>(config.annotation ?? '');
  const [sizes, setSizes] = useState<Record<number, number>>(Object.fromEntries(disks.map((each) => [each.key, each.capacityInKB / 1048576])));
  const [isos, setIsos] = useState<Record<number, string>>(Object.fromEntries(drives.map((each) => [each.key, each.backing?.fileName ?? ''])));
  const [links, setLinks] = useState<Record<number, { network: string; connected: boolean }>>(
    Object.fromEntries(cards.map((each) => [each.key, { network: each.backing?.deviceName ?? '', connected: each.connectable?.[isOff ? 'startConnected' : 'connected'] ?? true }])),
  );
  const [gone, setGone] = useState<Set<number>>(new Set());
  const [newDisks, setNewDisks] = useState<NewDisk[]>([]);
  const [newNics, setNewNics] = useState<NewNic[]>([]);
  const [newDrive, setNewDrive] = useState(false);
  const [newPort, setNewPort] = useState(false);

  const toggle = (key: number) => setGone((before) => {
    const next = new Set(before);
    if (!next.delete(key)) next.add(key);
    return next;
  });

  const changesOf = (): Data[] => {
    const changes: Data[] = [];
    for (const device of [...disks, ...drives, ...cards, ...ports]) if (gone.has(device.key)) changes.push(removed(device, device._typeName === 'VirtualDisk'));
    for (const each of disks) {
      const size = sizes[each.key]!;
      if (gone.has(each.key) || size * 1048576 === each.capacityInKB) continue;
      changes.push(edited({ ...each, capacityInKB: Math.round(size * 1048576), capacityInBytes: Math.round(size * GIB) }));
    }
    for (const each of drives) {
      const iso = isos[each.key] ?? '';
      if (gone.has(each.key) || iso === (each.backing?.fileName ?? '')) continue;
      const made = cdrom(each.key, each.controllerKey, each.unitNumber, iso, !isOff);
      changes.push(edited({ ...each, backing: made.backing, connectable: made.connectable }));
    }
    for (const each of cards) {
      const link = links[each.key]!;
      const key = isOff ? 'startConnected' : 'connected';
      const isSame = link.network === each.backing?.deviceName && link.connected === (each.connectable?.[key] ?? true);
      if (gone.has(each.key) || isSame) continue;
      const network = networks.find((one) => nameOf(one) === link.network);
      changes.push(edited({
        ...each, connectable: { ...each.connectable, connected: link.connected, startConnected: link.connected },
        ...(network && link.network !== each.backing?.deviceName ? { backing: nic(0, network.ref, link.network).backing } : {}),
      }));
    }
    addNew(changes);
    return changes;
  };

  const addNew = (changes: Data[]) => {
    let controller = devices.find((each) => /SCSI|LsiLogic|BusLogic/.test(each._typeName))?.key as number | undefined;
    if (newDisks.length > 0 && controller === undefined) {
      controller = -200;
      changes.push(added(scsiController(controller)));
    }
    const occupied = [...devices];
    for (const each of newDisks) {
      const unit = freeUnit(occupied, controller!) ?? 0;
      occupied.push({ controllerKey: controller, unitNumber: unit });
      const place = config.files.vmPathName.replace(/\].*$/, ']');
      changes.push(added(disk(each.key, controller!, unit, each.size * GIB, place), true));
    }
    for (const each of newNics) {
      const network = networks.find((one) => nameOf(one) === each.network);
      if (network) changes.push(added(nic(each.key, network.ref, each.network)));
    }
    if (newPort) changes.push(added(serialPort(-600, `console${ports.length}`)));
    if (newDrive) {
      const ide = [200, 201].find((key) => freeUnit(occupied, key, 1) !== undefined);
      if (ide !== undefined) changes.push(added(cdrom(-500, ide, freeUnit(occupied, ide, 1)!, '')));
    }
  };

  const shrinks = disks.find((each) => !gone.has(each.key) && sizes[each.key]! * 1048576 < each.capacityInKB);
  const reason = !(cpus >= 1) ? 'It needs at least one CPU.'
    : !(memory >= 4) || memory % 4 !== 0 ? 'Memory comes in steps of 4 MiB.'
    : shrinks ? `${shrinks.deviceInfo?.label ?? 'A disk'} can't become smaller.` : undefined;

  const submit = async () => {
    const spec: Data = { _typeName: 'VirtualMachineConfigSpec', changeVersion: config.changeVersion };
    if (cpus !== config.hardware.numCPU) spec.numCPUs = cpus;
    if (memory !== config.hardware.memoryMB) spec.memoryMB = memory;
    if (notes !== (config.annotation ?? '')) spec.annotation = notes;
    const changes = changesOf();
    if (changes.length > 0) spec.deviceChange = changes;
    await tasks.finish(await call<MoRef>(machine.ref, 'ReconfigVM_Task', { spec }));
  };

  const fixed = isOff ? undefined : 'Can be changed while the machine is off.';
  const label = (device: Data) => device.deviceInfo?.label ?? 'Device';
  return (
    <FormDialog title={`Edit hardware of ${nameOf(machine)}`} submitLabel="Save" submit={submit} close={close} reason={reason} wide>
      {fixed && <Alert isInline isPlain variant="info" title="The machine is on: CPUs and memory can be changed when it is off, unless they may be added while it runs." />}
      <NumberField label="CPUs" value={cpus} onChange={setCpus} min={1} max={128} first />
      <NumberField label="Memory" value={memory} onChange={setMemory} min={4} max={4194304} step={4} unit="MiB" />
      {disks.map((each) => (
        <div key={each.key} className={`device${gone.has(each.key) ? ' gone' : ''}`}>
          <NumberField label={label(each)} value={sizes[each.key]!} onChange={(value) => setSizes({ ...sizes, [each.key]: value })} min={0} max={65536} unit="GiB"
            hint={`${each.backing?.fileName ?? ''} · ${bytes(each.capacityInBytes)}`} />
          <Button kind="plain" icon={gone.has(each.key) ? 'reset' : 'trash'} label={gone.has(each.key) ? `Keep ${label(each)}` : `Delete ${label(each)} and its file`} onClick={() => toggle(each.key)} />
        </div>
      ))}
      {newDisks.map((each, index) => (
        <div key={each.key} className="device">
          <NumberField label="New disk" value={each.size} min={1} max={65536} unit="GiB" onChange={(size) => setNewDisks(newDisks.map((one, at) => (at === index ? { ...one, size } : one)))} />
          <Button kind="plain" icon="trash" label="Don't add this disk" onClick={() => setNewDisks(newDisks.filter((_, at) => at !== index))} />
        </div>
      ))}
      {drives.map((each) => (
        <div key={each.key} className={`device${gone.has(each.key) ? ' gone' : ''}`}>
          <FileField label={label(each)} value={isos[each.key] ?? ''} onChange={(value) => setIsos({ ...isos, [each.key]: value })} stores={stores} pattern="*.iso" none="No image" />
          <Button kind="plain" icon={gone.has(each.key) ? 'reset' : 'trash'} label={gone.has(each.key) ? `Keep ${label(each)}` : `Remove ${label(each)}`} reason={fixed} onClick={() => !fixed && toggle(each.key)} />
        </div>
      ))}
      {cards.map((each) => (
        <div key={each.key} className={`device${gone.has(each.key) ? ' gone' : ''}`}>
          <SelectField label={label(each)} value={links[each.key]!.network} onChange={(network) => setLinks({ ...links, [each.key]: { ...links[each.key]!, network } })}
            choices={[...new Set([...networks.map(nameOf), links[each.key]!.network])].map((name) => ({ value: name, label: name }))} hint={`${each._typeName.replace('Virtual', '')} · ${each.macAddress ?? ''}`} />
          <CheckField label="Connected" value={links[each.key]!.connected} onChange={(connected) => setLinks({ ...links, [each.key]: { ...links[each.key]!, connected } })} />
          <Button kind="plain" icon={gone.has(each.key) ? 'reset' : 'trash'} label={gone.has(each.key) ? `Keep ${label(each)}` : `Remove ${label(each)}`} onClick={() => toggle(each.key)} />
        </div>
      ))}
      {newNics.map((each, index) => (
        <div key={each.key} className="device">
          <SelectField label="New network adapter" value={each.network} onChange={(network) => setNewNics(newNics.map((one, at) => (at === index ? { ...one, network } : one)))}
            choices={networks.map((one) => ({ value: nameOf(one), label: nameOf(one) }))} />
          <Button kind="plain" icon="trash" label="Don't add this adapter" onClick={() => setNewNics(newNics.filter((_, at) => at !== index))} />
        </div>
      ))}
      {ports.map((each) => (
        <div key={each.key} className={`device${gone.has(each.key) ? ' gone' : ''}`}>
          <div className="field"><span>{label(each)}</span><span className="dim">{each.deviceInfo?.summary ?? each.backing?.pipeName ?? each.backing?.serviceURI ?? ''}</span></div>
          <Button kind="plain" icon={gone.has(each.key) ? 'reset' : 'trash'} label={gone.has(each.key) ? `Keep ${label(each)}` : `Remove ${label(each)}`} reason={fixed} onClick={() => !fixed && toggle(each.key)} />
        </div>
      ))}
      <div className="add-devices">
        <Button icon="plus" onClick={() => setNewDisks([...newDisks, { key: -300 - newDisks.length, size: 10 }])}>Add disk</Button>
        <Button icon="plus" reason={networks.length === 0 ? 'The host has no network.' : undefined} onClick={() => setNewNics([...newNics, { key: -400 - newNics.length, network: nameOf(networks[0]) }])}>Add network adapter</Button>
        <Button icon="plus" reason={fixed ?? (newDrive ? 'One at a time.' : undefined)} onClick={() => !fixed && setNewDrive(true)}>Add CD drive</Button>
        <Button icon="plus" reason={fixed ?? (newPort ? 'One at a time.' : ports.length >= 4 ? 'A machine has at most four.' : undefined)} onClick={() => !fixed && setNewPort(true)}>Add serial port</Button>
      </div>
      {newDrive && <p>A new CD drive will be added.</p>}
      {newPort && <p>A new serial port will be added; it opens beside the screen in the machine’s console.</p>}
      <TextField label="Notes" value={notes} onChange={setNotes} />
    </FormDialog>
  );
}
