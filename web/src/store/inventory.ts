// What the update stream has told so far: every entity with the properties that pages read, by
// reference id. An entity is replaced when something of it changes, so a row that subscribes to it
// draws again and no other does. Subscribers hear at most once a frame.
import type { Data, MoRef } from '../api/client';

export interface Entity {
  readonly id: string;
  readonly type: string;
  readonly ref: MoRef;
  /** By property path: props['summary.quickStats.overallCpuUsage']. */
  readonly props: Readonly<Record<string, Data>>;
  /** What natural order compares. */
  readonly sortName: string;
}

type Listener = () => void;

export function naturalKey(text: string): string {
  return text.toLowerCase().replace(/\d+/g, (digits) => digits.padStart(12, '0'));
}

/** Names may hold escaped slashes, as the API sends them. */
export function nameOf(entity: Entity | undefined): string {
  const name = entity?.props.name;
  if (typeof name !== 'string') return entity?.id ?? '';
  return name.includes('%') ? name.replace(/%2f/gi, '/').replace(/%5c/gi, '\\').replace(/%25/g, '%') : name;
}

const EMPTY: ReadonlySet<string> = new Set();

export class Inventory {
  private entities = new Map<string, Entity>();
  private children = new Map<string, Set<string>>();
  private machinesOfHost = new Map<string, Set<string>>();
  private types = new Map<string, Set<string>>();
  private listeners = new Map<string, Set<Listener>>();
  private structureListeners = new Set<Listener>();
  private changeListeners = new Set<Listener>();
  private dirty = new Set<string>();
  private structureChanged = false;
  private scheduled = false;
  /** Counts changes of names, places and membership. */
  structureVersion = 0;
  /** Counts all changes. */
  version = 0;

  get(id: string | undefined): Entity | undefined {
    return id === undefined ? undefined : this.entities.get(id);
  }

  of(reference: MoRef | undefined): Entity | undefined {
    return this.get(reference?.value);
  }

  ofType(type: string): ReadonlySet<string> {
    return this.types.get(type) ?? EMPTY;
  }

  all(...types: string[]): Entity[] {
    const found: Entity[] = [];
    for (const type of types) for (const id of this.ofType(type)) found.push(this.entities.get(id)!);
    return found;
  }

  childrenOf(id: string): ReadonlySet<string> {
    return this.children.get(id) ?? EMPTY;
  }

  machinesOn(host: string): ReadonlySet<string> {
    return this.machinesOfHost.get(host) ?? EMPTY;
  }

  get size() {
    return this.entities.size;
  }

  apply(reference: MoRef, changes: Iterable<[string, Data]>) {
    const id = reference.value;
    const before = this.entities.get(id);
    const props: Record<string, Data> = before ? { ...before.props } : {};
    for (const [path, value] of changes) {
      if (value === undefined) delete props[path];
      else props[path] = value;
    }
    const entity: Entity = {
      id,
      type: reference.type,
      ref: reference,
      props,
      sortName:
        before && before.props.name === props.name ? before.sortName : naturalKey(String(props.name ?? '')),
    };
    this.entities.set(id, entity);
    if (!before) put(this.types, entity.type, id);
    this.index(id, before, entity);
    this.touch(id);
  }

  remove(reference: MoRef) {
    const before = this.entities.get(reference.value);
    if (!before) return;
    this.entities.delete(before.id);
    this.types.get(before.type)?.delete(before.id);
    this.index(before.id, before, undefined);
    this.touch(before.id);
  }

  clear() {
    for (const entity of [...this.entities.values()]) this.remove(entity.ref);
  }

  subscribe(id: string, listener: Listener): () => void {
    let set = this.listeners.get(id);
    if (!set) this.listeners.set(id, (set = new Set()));
    set.add(listener);
    return () => {
      set.delete(listener);
      if (set.size === 0 && this.listeners.get(id) === set) this.listeners.delete(id);
    };
  }

  subscribeStructure(listener: Listener): () => void {
    this.structureListeners.add(listener);
    return () => this.structureListeners.delete(listener);
  }

  subscribeAll(listener: Listener): () => void {
    this.changeListeners.add(listener);
    return () => this.changeListeners.delete(listener);
  }

  private index(id: string, before: Entity | undefined, after: Entity | undefined) {
    const oldParent = before?.props.parent?.value;
    const newParent = after?.props.parent?.value;
    if (oldParent !== newParent) {
      if (oldParent) this.children.get(oldParent)?.delete(id);
      if (newParent) put(this.children, newParent, id);
    }
    const oldHost = before?.props['runtime.host']?.value;
    const newHost = after?.props['runtime.host']?.value;
    if (oldHost !== newHost) {
      if (oldHost) this.machinesOfHost.get(oldHost)?.delete(id);
      if (newHost) put(this.machinesOfHost, newHost, id);
    }
    const moved = oldParent !== newParent || oldHost !== newHost || !before || !after;
    if (moved || before?.props.name !== after?.props.name) {
      this.structureChanged = true;
      this.structureVersion++;
    }
  }

  private touch(id: string) {
    this.version++;
    this.dirty.add(id);
    if (this.scheduled) return;
    this.scheduled = true;
    // A hidden page gets no frames, and needs none.
    if (document.hidden) setTimeout(() => this.flush(), 500);
    else requestAnimationFrame(() => this.flush());
  }

  private flush() {
    this.scheduled = false;
    const dirty = this.dirty;
    this.dirty = new Set();
    for (const id of dirty) {
      const set = this.listeners.get(id);
      if (set) for (const listener of [...set]) listener();
    }
    if (this.structureChanged) {
      this.structureChanged = false;
      for (const listener of [...this.structureListeners]) listener();
    }
    for (const listener of [...this.changeListeners]) listener();
  }
}

function put(map: Map<string, Set<string>>, key: string, id: string) {
  const set = map.get(key);
  if (set) set.add(id);
  else map.set(key, new Set([id]));
}

export const inventory = new Inventory();
