// What can be done to datastores.
import { call } from '../api/client';
import { nameOf } from '../store/inventory';
import { linkTo } from '../store/kinds';
import { go } from '../store/route';
import type { Action } from './registry';

export const fileActions: Action[] = [
  {
    id: 'datastore.browse', label: 'Browse files', icon: 'folder', kinds: ['Datastore'], group: 1, privilege: 'Datastore.Browse',
    reason: (datastore) => (datastore.props['summary.accessible'] === false ? `${nameOf(datastore)} can't be reached.` : undefined),
    run: ([datastore]) => go(linkTo(datastore!, 'files')),
  },
  {
    id: 'datastore.refresh', label: 'Refresh sizes', icon: 'reset', kinds: ['Datastore'], group: 1, bulk: true,
    run: async (datastores) => {
      for (const datastore of datastores) await call(datastore.ref, 'RefreshDatastore');
    },
  },
];
