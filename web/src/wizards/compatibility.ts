// Asks the server about every machine and every place at once, so that all reasons are seen
// together.
import { call, localizedWords, type Data, type MoRef } from '../api/client';
import { inventory, nameOf, type Entity } from '../store/inventory';
import { manager } from '../store/session';
import { tasks } from '../store/tasks';

/** What is against a place, or worth knowing. Not `checked` where nobody could be asked. */
export interface Verdict {
  place: Entity;
  errors: string[];
  warnings: string[];
  checked: boolean;
}

/** More questions than this are not asked beforehand: the server checks again anyway. */
const MOST_QUESTIONS = 120;
const AT_ONCE = 6;

export async function compatibility(machines: Entity[], hosts: Entity[]): Promise<Data[]> {
  const checker = manager('vmProvisioningChecker');
  if (!checker) return [];
  const task = await call<MoRef>(checker, 'QueryVMotionCompatibilityEx_Task', {
    vm: machines.map((each) => each.ref),
    host: hosts.map((each) => each.ref),
  });
  return (await tasks.finish(task)) ?? [];
}

/** Hosts that could take the machines, their files staying where they are. */
export async function hostVerdicts(machines: Entity[], hosts: Entity[]): Promise<Verdict[]> {
  const found = await compatibility(machines, hosts);
  return hosts.map((host) => verdict(host, machines, found.filter((each) => each.host?.value === host.id), isOn(machines, host), true));
}

/** Places that could take the machines together with their files, or the files alone. */
export async function placeVerdicts(machines: Entity[], places: Entity[], destination: (place: Entity) => { host?: Entity; datastore?: Entity }): Promise<Verdict[]> {
  const checker = manager('vmProvisioningChecker');
  const questions = places.flatMap((place) => machines.map((machine) => ({ place, machine, results: [] as Data[] })));
  const asks = checker !== undefined && questions.length <= MOST_QUESTIONS;
  const left = asks ? [...questions] : [];
  const ask = async () => {
    for (let next = left.shift(); next; next = left.shift()) {
      const task = await call<MoRef>(checker!, 'CheckRelocate_Task', { vm: next.machine.ref, spec: relocateSpec(destination(next.place)) });
      next.results = (await tasks.finish(task)) ?? [];
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, ask));
  return places.map((place) => {
    const { host, datastore } = destination(place);
    const isThere = place === host ? isOn(machines, host) : !host && datastore !== undefined && isStoredOn(machines, datastore);
    return verdict(place, machines, questions.filter((each) => each.place === place).flatMap((each) => each.results), isThere, asks);
  });
}

export function relocateSpec({ host, datastore }: { host?: Entity; datastore?: Entity }): Data {
  return { _typeName: 'VirtualMachineRelocateSpec', host: host?.ref, datastore: datastore?.ref };
}

function isOn(machines: Entity[], host: Entity): boolean {
  return machines.every((each) => each.props['runtime.host']?.value === host.id);
}

function isStoredOn(machines: Entity[], store: Entity): boolean {
  return machines.every((each) => each.props.datastore?.length > 0 && each.props.datastore.every((one: MoRef) => one.value === store.id));
}

function verdict(place: Entity, machines: Entity[], results: Data[], isThere: boolean, checked: boolean): Verdict {
  const several = machines.length > 1;
  const say = (key: string) => [...new Set(results.flatMap((each) => once(each[key] ?? []).map((fault) => (several ? `${nameOf(inventory.of(each.vm))}: ` : '') + withNames(localizedWords(fault)))))];
  const errors = say('error');
  if (isThere) errors.unshift(several ? 'They are there already.' : 'It is there already.');
  return { place, errors, warnings: say('warning'), checked };
}

// Hosts know each other's datastores by their ids only.
function withNames(text: string): string {
  return text.replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, (id) => {
    const store = inventory.all('Datastore').find((each) => String(each.props['summary.url']).includes(id));
    return store ? nameOf(store) : id;
  });
}

// The center and the host both tell that the host is in maintenance mode: once is enough.
function once(faults: Data[]): Data[] {
  const isTold = faults.some((each) => each.fault?._typeName === 'InvalidHostState');
  return isTold ? faults.filter((each) => each.fault?._typeName !== 'InvalidState' || !/maintenance mode/.test(each.localizedMessage)) : faults;
}
