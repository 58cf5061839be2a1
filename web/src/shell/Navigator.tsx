// The tree at the left: four lenses over one inventory. Keys as in any tree: arrows, Home, End,
// a name's first letters, Enter, Shift+F10.
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { actionItems } from '../actions/registry';
import { useRemembered, useSession, useStructure } from '../store/hooks';
import { inventory, nameOf } from '../store/inventory';
import { iconOf, linkTo, markOf, titleOf, typeOfSlug } from '../store/kinds';
import { go, useRoute } from '../store/route';
import { session } from '../store/session';
import { Icon, iconElement, setIcon } from '../ui/Icon';
import { Menu, type MenuItems, type MenuPlace } from '../ui/Menu';
import { Rows, type Slot } from '../ui/rows';
import { flatten, LENSES, lensFor, parentIn, type LensId, type Node } from './lens';

const ROW_HEIGHT = 24;
const STEP = 14;
/** In a larger inventory nothing is open before somebody opens it. */
const MOST_AT_FIRST = 500;

interface NodeSlot extends Slot {
  id: string;
  twist: HTMLElement;
  icon: HTMLElement;
  name: Text;
  stop?: () => void;
}

/** What a row needs to know of its tree. */
interface View {
  nodes: readonly Node[];
  selected: string | undefined;
  current: string;
}

function makeNode(): NodeSlot {
  const element = document.createElement('div');
  element.setAttribute('role', 'treeitem');
  const twist = iconElement();
  const hold = document.createElement('span');
  hold.className = 'twist';
  hold.append(twist);
  const icon = iconElement();
  const label = document.createElement('span');
  label.className = 'node-name';
  const name = document.createTextNode('');
  label.append(name);
  element.append(hold, icon, label);
  return { element, index: -1, id: '', twist, icon, name };
}

function drawEntity(slot: NodeSlot) {
  const entity = inventory.get(slot.id);
  if (!entity) return;
  setIcon(slot.icon, iconOf(entity), markOf(entity));
  const title = titleOf(entity);
  if (slot.name.data !== title) slot.name.data = title;
}

function drawNode(slot: NodeSlot, view: View) {
  const node = view.nodes[slot.index]!;
  const { id } = node.entity;
  const { element } = slot;
  if (id !== slot.id) {
    slot.stop?.();
    slot.id = id;
    slot.stop = inventory.subscribe(id, () => drawEntity(slot));
    element.id = `node-${id}`;
  }
  drawEntity(slot);
  element.setAttribute('aria-level', String(node.depth + 1));
  if (node.opens) element.setAttribute('aria-expanded', String(node.isOpen));
  else element.removeAttribute('aria-expanded');
  slot.twist.hidden = !node.opens;
  setIcon(slot.twist, node.isOpen ? 'down' : 'right');
  element.style.paddingLeft = `${4 + node.depth * STEP}px`;
  element.setAttribute('aria-selected', String(id === view.selected));
  element.className = `node${id === view.selected ? ' selected' : ''}${id === view.current ? ' current' : ''}`;
}

function dropNode(slot: NodeSlot) {
  slot.stop?.();
  slot.stop = undefined;
  slot.id = '';
}

// The tab that is open stays open from object to object; all of them have the same.
function keepTab(): string {
  const tab = location.hash.split('?')[0]!.split('/')[3];
  return tab && ['summary', 'monitor', 'configure', 'permissions', 'related'].includes(tab) ? tab : 'summary';
}

function firstOpen(): string[] {
  return inventory.size > MOST_AT_FIRST ? [] : inventory.all('Datacenter', 'ClusterComputeResource').map((each) => each.id);
}

export function Navigator() {
  const structure = useStructure();
  const { stream } = useSession();
  const route = useRoute();
  const [lens, setLens] = useRemembered<LensId>('lens', 'hosts');
  const [remembered, setOpenIds] = useRemembered<string[] | undefined>('tree', undefined);
  const [current, setCurrent] = useState('');
  const [menu, setMenu] = useState<{ place: MenuPlace; items: MenuItems } | undefined>();
  const scroller = useRef<HTMLDivElement>(null);
  const typed = useRef({ text: '', at: 0 });

  const root = session.content?.rootFolder?.value as string | undefined;
  // Who comes for the first time sees the hosts.
  // eslint-disable-next-line react-hooks/exhaustive-deps
  const openIds = useMemo(() => remembered ?? (stream === 'live' ? firstOpen() : []), [remembered, stream, structure]);
  const open = useMemo(() => new Set([...openIds, root ?? '']), [openIds, root]);
  // eslint-disable-next-line react-hooks/exhaustive-deps
  const nodes = useMemo(() => flatten(lens, open), [lens, open, structure]);
  const selected = typeOfSlug(route.path[0] ?? '') ? route.path[1] : undefined;

  const body = useRef<HTMLDivElement>(null);
  const pool = useRef<Rows<NodeSlot> | undefined>(undefined);
  const view = useRef<View>({ nodes, selected, current });
  useLayoutEffect(() => {
    const made = new Rows<NodeSlot>(scroller.current!, body.current!, ROW_HEIGHT, makeNode, (slot) => drawNode(slot, view.current), dropNode);
    pool.current = made;
    made.show(view.current.nodes.length);
    return () => made.destroy();
  }, []);
  useLayoutEffect(() => {
    view.current = { nodes, selected, current };
    pool.current!.show(nodes.length);
  }, [nodes, selected, current]);

  // What is opened elsewhere, or moves, is shown here: its parents open, and it comes into sight.
  const revealed = useRef('');
  useEffect(() => {
    const entity = inventory.get(selected);
    const place = entity && `${lens} ${selected} ${parentIn(lens, entity)?.id}`;
    if (!entity || revealed.current === place) return;
    const better = lensFor(entity.type, lens);
    if (better !== lens) return setLens(better);
    const parents: string[] = [];
    for (let at = parentIn(lens, entity); at; at = parentIn(lens, at)) parents.push(at.id);
    const missing = parents.filter((id) => !open.has(id));
    if (missing.length > 0) return setOpenIds([...openIds, ...missing].slice(-2000));
    const index = nodes.findIndex((node) => node.entity.id === selected);
    if (index < 0) return;
    revealed.current = place!;
    setCurrent(entity.id);
    pool.current!.reveal(index);
  }, [selected, lens, nodes, open, openIds, setLens, setOpenIds]);

  const state = useRef({ openIds, setOpenIds, open });
  state.current = { openIds, setOpenIds, open };
  const toggle = useCallback((id: string) => {
    const { openIds: ids, setOpenIds: set, open: all } = state.current;
    set(all.has(id) ? ids.filter((each) => each !== id) : [...ids, id].slice(-2000));
  }, []);
  const openMenu = useCallback((id: string, place: MenuPlace) => {
    const entity = inventory.get(id);
    if (entity) setMenu({ place, items: actionItems([entity]) });
  }, []);

  const nodeAt = (event: React.MouseEvent): Node | undefined => {
    const row = (event.target as HTMLElement).closest('.node');
    return row ? nodes.find((each) => each.entity.id === row.id.slice('node-'.length)) : undefined;
  };

  const keyDown = (event: React.KeyboardEvent) => {
    const index = Math.max(0, nodes.findIndex((node) => node.entity.id === current));
    const node: Node | undefined = nodes[index];
    if (!node) return;
    const moveTo = (next: number) => {
      const target = nodes[Math.max(0, Math.min(nodes.length - 1, next))];
      if (!target) return;
      setCurrent(target.entity.id);
      pool.current!.reveal(nodes.indexOf(target));
    };
    if (event.key === 'ArrowDown') moveTo(index + 1);
    else if (event.key === 'ArrowUp') moveTo(index - 1);
    else if (event.key === 'PageDown') moveTo(index + 20);
    else if (event.key === 'PageUp') moveTo(index - 20);
    else if (event.key === 'Home') moveTo(0);
    else if (event.key === 'End') moveTo(nodes.length - 1);
    else if (event.key === 'ArrowRight') node.opens && !node.isOpen ? toggle(node.entity.id) : moveTo(index + 1);
    else if (event.key === 'ArrowLeft') {
      if (node.isOpen) toggle(node.entity.id);
      else moveTo(nodes.findLastIndex((each, at) => at < index && each.depth < node.depth));
    } else if (event.key === 'Enter' || event.key === ' ') go(linkTo(node.entity, keepTab()));
    else if (event.key === 'ContextMenu' || (event.key === 'F10' && event.shiftKey)) {
      const area = document.getElementById(`node-${node.entity.id}`)?.getBoundingClientRect();
      openMenu(node.entity.id, { x: (area?.left ?? 40) + 40, y: area?.bottom ?? 80 });
    } else if (event.key.length === 1 && !event.ctrlKey && !event.metaKey) {
      const now = performance.now();
      typed.current = { text: (now - typed.current.at < 800 ? typed.current.text : '') + event.key.toLowerCase(), at: now };
      const start = typed.current.text.length > 1 ? index : index + 1;
      const order = [...nodes.keys()].map((offset) => (start + offset) % nodes.length);
      const found = order.find((at) => nameOf(nodes[at]!.entity).toLowerCase().startsWith(typed.current.text));
      if (found !== undefined) moveTo(found);
    } else return;
    event.preventDefault();
  };

  return (
    <nav className="navigator" aria-label="Inventory">
      <div className="lenses" role="tablist" aria-label="Ways to look at the inventory">
        {LENSES.map((each) => (
          <button key={each.id} type="button" role="tab" aria-selected={lens === each.id} aria-label={each.label} title={each.label}
            onClick={() => {
              revealed.current = (selected ?? '') + each.id;
              setLens(each.id);
            }}>
            <Icon name={each.icon} />
          </button>
        ))}
      </div>
      <div ref={scroller} className="tree" role="tree" aria-label={LENSES.find((each) => each.id === lens)!.label} tabIndex={0} onKeyDown={keyDown}
        aria-activedescendant={pool.current?.isInSight(nodes.findIndex((node) => node.entity.id === current)) ? `node-${current}` : undefined}>
        <div ref={body} role="presentation" className="tree-body"
          onClick={(event) => {
            const node = nodeAt(event);
            if (!node) return;
            if (node.opens && (event.target as HTMLElement).closest('.twist')) toggle(node.entity.id);
            else go(linkTo(node.entity, keepTab()));
          }}
          onContextMenu={(event) => {
            const node = nodeAt(event);
            if (!node) return;
            event.preventDefault();
            openMenu(node.entity.id, { x: event.clientX, y: event.clientY });
          }} />
      </div>
      {menu && <Menu items={menu.items} place={menu.place} label="Actions" close={() => setMenu(undefined)} />}
    </nav>
  );
}
