// Everything of one kind: filter, order, choose many, do something with all of them, and keep the
// view under a name.
import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react';
import { actionItems, actionsFor, perform, reasonFor } from '../actions/registry';
import { number } from '../format/units';
import { useRemembered, useSession } from '../store/hooks';
import { inventory, type Entity } from '../store/inventory';
import { KINDS, kindOf } from '../store/kinds';
import { currentRoute, go, link, useRoute } from '../store/route';
import { Button } from '../ui/Button';
import { columnsOf } from '../ui/columns';
import { chosenOf, DataGrid } from '../ui/DataGrid';
import { FormDialog, openDialog } from '../ui/dialogs';
import { TextField } from '../ui/fields';
import type { Sort } from '../ui/filter';
import { Icon } from '../ui/Icon';
import { MenuButton, type MenuItems } from '../ui/Menu';

interface View {
  name: string;
  query: string;
  sort: Sort;
  hidden: string[];
}

const ADDRESS_PAUSE_MS = 300;

const QUICK: Record<string, string[]> = {
  VirtualMachine: ['vm.powerOn', 'vm.shutdown', 'vm.powerOff', 'vm.migrate'],
  HostSystem: ['host.maintenance', 'host.leaveMaintenance'],
};

export function ListPage({ type }: { type: string }) {
  const rows = useCallback(() => inventory.all(type), [type]);
  return (
    <div className="page">
      <header className="page-head page-head-list">
        <div className="page-title"><Icon name={kindOf(type).icon} /><h1>{kindOf(type).many}</h1></div>
        <nav className="tabs" aria-label="Kinds">
          {['VirtualMachine', 'HostSystem', 'ClusterComputeResource', 'Datastore', 'Network'].map((each) => (
            <a key={each} className="tab-link" aria-current={each === type ? 'page' : undefined} href={link(['list', kindOf(each).slug])}>{KINDS[each]!.many}</a>
          ))}
        </nav>
      </header>
      <div className="page-body page-list"><ListOf key={type} name={type} type={type} rows={rows} inAddress /></div>
    </div>
  );
}

export function ListOf({ name, type, rows, inAddress }: { name: string; type: string; rows: () => Entity[]; inAddress?: boolean }) {
  const [query, setQuery] = useQuery(inAddress ?? false);
  const { stream } = useSession();
  const [sort, setSort] = useRemembered<Sort>(`sort.${name}`, { column: 'name', down: false });
  const [hidden, setHidden] = useRemembered<string[]>(`hidden.${name}`, []);
  const [views, setViews] = useRemembered<View[]>(`views.${type}`, []);
  const [selected, select] = useState<ReadonlySet<string>>(new Set());
  const columns = useMemo(() => columnsOf(type).filter((each) => !hidden.includes(each.id)), [type, hidden]);
  const count = useMemo(() => new Count(), []);
  const chosen = chosenOf(selected);
  const quick = actionsFor(chosen).filter((each) => QUICK[type]?.includes(each.id));

  const viewItems = (): MenuItems => [
    ...views.map((view) => ({
      id: `view-${view.name}`, label: view.name, icon: 'star' as const,
      run: () => {
        setQuery(view.query);
        setSort(view.sort);
        setHidden(view.hidden);
      },
    })),
    ...(views.length > 0 ? ['line' as const] : []),
    { id: 'view-save', label: 'Save this view…', icon: 'plus', run: () => openDialog((close) => <SaveView close={close} save={(view) => setViews([...views.filter((each) => each.name !== view), { name: view, query, sort, hidden }])} />) },
    ...views.map((view) => ({ id: `forget-${view.name}`, label: `Forget “${view.name}”`, icon: 'trash' as const, run: () => setViews(views.filter((each) => each !== view)) })),
  ];
  const columnItems = (): MenuItems => columnsOf(type).map((each) => ({
    id: each.id, label: each.title, checked: !hidden.includes(each.id), reason: each.id === 'name' ? 'Always shown' : undefined,
    run: () => setHidden(hidden.includes(each.id) ? hidden.filter((one) => one !== each.id) : [...hidden, each.id]),
  }));

  return (
    <div className="list">
      <div className="list-bar" role="toolbar" aria-label="List">
        <span className="search"><Icon name="search" />
          <input className="input filter" type="search" value={query} aria-label={`Filter ${kindOf(type).many.toLowerCase()}`} placeholder="Filter: words, host:name, cpus>2" spellCheck={false}
            onChange={(event) => setQuery(event.target.value)} />
        </span>
        <CountText count={count} selected={selected.size} more={stream === 'starting'} />
        {/* What has no room is in the menu: the bar never grows, so the list never moves. */}
        <span className="list-quick">{chosen.length > 0 && quick.map((action) => {
          const reason = reasonFor(action, chosen);
          return <Button key={action.id} icon={action.icon} reason={reason} onClick={() => reason === undefined && void perform(action, chosen)}>{action.label.replace('…', '')}</Button>;
        })}</span>
        {chosen.length > 0 && <MenuButton label="Actions" items={() => actionItems(chosen)}>Actions <Icon name="down" /></MenuButton>}
        <MenuButton label="Views" items={viewItems}>Views <Icon name="down" /></MenuButton>
        <MenuButton label="Columns" items={columnItems}>Columns <Icon name="down" /></MenuButton>
      </div>
      <DataGrid name={name} label={kindOf(type).many} columns={columns} rows={rows} query={query} selected={selected} select={select} sort={sort} setSort={setSort} onCount={count.set}
        empty={query ? <>Nothing matches “{query}”. <button type="button" className="linkish" onClick={() => setQuery('')}>Clear the filter</button></> : stream === 'starting' ? <>Loading</> : <>There are no {kindOf(type).many.toLowerCase()} here yet.</>} />
    </div>
  );
}

/** How many rows there are. The list is not drawn again when only this changes. */
class Count {
  private now = { shown: 0, all: 0 };
  private listeners = new Set<() => void>();
  get = () => this.now;
  set = (shown: number, all: number) => {
    if (shown === this.now.shown && all === this.now.all) return;
    this.now = { shown, all };
    for (const listener of [...this.listeners]) listener();
  };
  subscribe = (listener: () => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
}

function CountText({ count, selected, more }: { count: Count; selected: number; more: boolean }) {
  const { shown, all } = useSyncExternalStore(count.subscribe, count.get);
  const text = selected > 0 ? `${number(selected)} of ${number(shown)} selected` : shown === all ? number(all) : `${number(shown)} of ${number(all)}`;
  return <span className="count" role="status">{text}{more && ', more are coming'}</span>;
}

/** What is typed counts at once; the address follows when one stops typing. */
function useQuery(inAddress: boolean): [string, (text: string) => void] {
  const route = useRoute();
  const there = inAddress ? (route.query.get('q') ?? '') : '';
  const [text, setText] = useState(there);
  const written = useRef(there);
  useEffect(() => {
    if (there === written.current) return;
    written.current = there;
    setText(there);
  }, [there]);
  useEffect(() => {
    if (!inAddress || text === written.current) return;
    const timer = setTimeout(() => {
      written.current = text;
      go(link(currentRoute().path, { q: text }), true);
    }, ADDRESS_PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text, inAddress]);
  return [text, setText];
}

function SaveView({ save, close }: { save: (name: string) => void; close: () => void }) {
  const [name, setName] = useState('');
  return (
    <FormDialog title="Save this view" description="Filter, order and columns, kept in this browser." submitLabel="Save" reason={name.trim() ? undefined : 'It needs a name.'} close={close} submit={async () => save(name.trim())}>
      <TextField label="Name" value={name} onChange={setName} first />
    </FormDialog>
  );
}
