// Which tabs an object page has, in their order. A page of your own is one line here: see
// docs/how-to/add-a-page.md.
import { lazy, type ComponentType } from 'react';
import type { Entity } from '../store/inventory';
import { Configure } from './Configure';
import { Monitor } from './Monitor';
import { Permissions } from './Permissions';
import { Related } from './Related';
import { Summary } from './Summary';

export interface TabProps {
  entity: Entity;
}

export interface Tab {
  id: string;
  title: string;
  /** Types that have it; all if absent. */
  kinds?: string[];
  content: ComponentType<TabProps>;
}

const ConsoleTab = lazy(() => import('./ConsoleTab'));
const Files = lazy(() => import('./Files'));

export const TABS: Tab[] = [
  { id: 'summary', title: 'Summary', content: Summary },
  { id: 'monitor', title: 'Monitor', content: Monitor },
  { id: 'configure', title: 'Configure', content: Configure },
  { id: 'permissions', title: 'Permissions', content: Permissions },
  { id: 'related', title: 'Related', content: Related },
  { id: 'files', title: 'Files', kinds: ['Datastore'], content: Files },
  { id: 'console', title: 'Console', kinds: ['VirtualMachine'], content: ConsoleTab },
];

export function tabsOf(entity: Entity): Tab[] {
  return TABS.filter((tab) => !tab.kinds || tab.kinds.includes(entity.type));
}
