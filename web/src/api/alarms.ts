// The definitions of alarms that a center has.
import { call, type Data, type MoRef } from './client';
import { manager } from '../store/session';

/** All that one may see, by name. */
export async function alarmDefinitions(): Promise<Data[]> {
  const alarms = (await call<MoRef[]>(manager('alarmManager')!, 'GetAlarm')) ?? [];
  if (alarms.length === 0) return [];
  const found = await call<Data>(manager('propertyCollector')!, 'RetrievePropertiesEx', {
    specSet: [{ _typeName: 'PropertyFilterSpec', propSet: [{ _typeName: 'PropertySpec', type: 'Alarm', pathSet: ['info'] }], objectSet: alarms.map((obj) => ({ _typeName: 'ObjectSpec', obj, skip: false })) }],
    options: { _typeName: 'RetrieveOptions' },
  });
  const infos: Data[] = [];
  for (let page = found; page; page = page.token ? await call<Data>(manager('propertyCollector')!, 'ContinueRetrievePropertiesEx', { token: page.token }) : undefined) {
    for (const object of page.objects ?? []) infos.push(...((object.propSet ?? []) as Data[]).map((each) => each.val));
  }
  return infos.sort((a, b) => (a.name < b.name ? -1 : 1));
}
