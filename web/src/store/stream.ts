// The one WaitForUpdatesEx stream of this page. It has a PropertyCollector of its own, so that
// several tabs of one session do not take each other's updates.
import { call, ref, ServerFault, unbox, type Data, type MoRef } from '../api/client';
import { inventory } from './inventory';
import { tasks } from './tasks';
import { COLUMNS, detailSpec, entitiesSpec, tasksSpec, TREE } from './watched';

/** At first little, so that there is something to see at once. */
const FIRST_UPDATES = 500;
const MOST_UPDATES = 1500;
const LONGEST_WAIT_S = 60;
/** Changes that come faster than this are taken together. */
const SHORTEST_PAUSE_MS = 200;
/** How much of a frame applying updates may take. */
const SLICE_MS = 6;

export type StreamState = 'starting' | 'live' | 'interrupted' | 'stopped';

interface Update {
  kind: string;
  obj: MoRef;
  changeSet?: Data[];
  missingSet?: Data[];
}

export class UpdateStream {
  private collector: MoRef | undefined;
  private version = '';
  private aborter = new AbortController();
  private removing = new Set<string>();
  private details = new Map<string, { object: MoRef; filter?: MoRef; users: number }>();
  state: StreamState = 'starting';
  onState = (_state: StreamState) => {};

  constructor(private content: Data) {}

  /**
   * Returns when the first objects are there; the rest keeps coming, and the state is 'live' when
   * the tree is complete. Throws what the server says.
   */
  async start() {
    const { propertyCollector, viewManager, rootFolder, taskManager } = this.content;
    const [collector, view] = await Promise.all([
      call<MoRef>(propertyCollector, 'CreatePropertyCollector'),
      call<MoRef>(viewManager, 'CreateContainerView', { container: rootFolder, recursive: true }),
    ]);
    this.collector = collector;
    const tree = await this.filter(entitiesSpec(view, rootFolder, TREE));
    this.removing.add(tree.value);
    const first = await this.ask(1, FIRST_UPDATES);
    const rest = first?.truncated ? this.ask(1) : undefined;
    // Whoever waits for it hears of it.
    rest?.catch(() => {});
    await this.applyAll(first);
    void this.complete(rest, async () => {
      if (taskManager) this.taskFilter = (await this.filter(tasksSpec(taskManager))).value;
      await this.filter(entitiesSpec(view, rootFolder, COLUMNS));
    });
  }

  private async complete(rest: Promise<Data> | undefined, then: () => Promise<void>) {
    try {
      for (let next = rest; next; ) {
        const set: Data = await next;
        // The server makes the next part ready while this one is taken in.
        next = set?.truncated ? this.ask(1) : undefined;
        next?.catch(() => {});
        await this.applyAll(set);
      }
      for (const id of this.known) {
        const entity = inventory.get(id);
        if (entity && !this.seen?.has(id)) inventory.remove(entity.ref);
      }
      this.known = new Set();
      this.seen = undefined;
      this.set('live');
      await then();
      void this.run();
    } catch (error) {
      this.failed(error);
    }
  }

  stop() {
    this.set('stopped');
    this.aborter.abort();
    if (this.collector) {
      void call(this.collector, 'DestroyPropertyCollector', {}, { keepalive: true }).catch(() => {});
    }
  }

  /** Watches everything about one object until the returned function is called. */
  watch(object: MoRef): () => void {
    let entry = this.details.get(object.value);
    if (!entry) {
      const made: { object: MoRef; filter?: MoRef; users: number } = { object, users: 0 };
      entry = made;
      this.details.set(object.value, made);
      this.filter(detailSpec(object)).then(
        (filter) => {
          if (this.details.get(object.value) === made) made.filter = filter;
          else void call(filter, 'DestroyPropertyFilter').catch(() => {});
        },
        () => this.details.delete(object.value),
      );
    }
    const mine = entry;
    mine.users++;
    return () => {
      if (--mine.users > 0) return;
      // Kept for a while: going back is common.
      setTimeout(() => {
        if (mine.users > 0 || this.details.get(object.value) !== mine) return;
        this.details.delete(object.value);
        if (mine.filter) void call(mine.filter, 'DestroyPropertyFilter').catch(() => {});
      }, 10_000);
    };
  }

  private taskFilter = '';

  private filter(spec: object): Promise<MoRef> {
    return call<MoRef>(this.collector!, 'CreateFilter', { spec, partialUpdates: false });
  }

  private set(state: StreamState) {
    if (this.state === state) return;
    this.state = state;
    this.onState(state);
  }

  private async run() {
    let pause = SHORTEST_PAUSE_MS;
    while (this.state !== 'stopped') {
      try {
        const set = await this.ask(LONGEST_WAIT_S);
        await this.applyAll(set);
        this.set('live');
        pause = set && !set.truncated ? SHORTEST_PAUSE_MS : 0;
      } catch (error) {
        if (this.aborter.signal.aborted || error instanceof ServerFault) return this.failed(error);
        this.set('interrupted');
        pause = Math.min(Math.max(pause * 2, 500), 10_000);
      }
      if (pause > 0) await new Promise((done) => setTimeout(done, pause));
    }
  }

  private failed(error: unknown) {
    if (this.aborter.signal.aborted || (error instanceof ServerFault && error.kind === 'NotAuthenticated')) return;
    void this.begin_again();
  }

  // The server has forgotten us (it was restarted): everything anew, without blanking the page.
  private async begin_again() {
    this.set('interrupted');
    this.version = '';
    this.removing.clear();
    this.known = new Set(inventory.all(...Object.keys(TREE)).map((each) => each.id));
    this.seen = new Set();
    while (this.state !== 'stopped') {
      try {
        await this.start();
        for (const entry of this.details.values()) {
          this.filter(detailSpec(entry.object)).then(
            (filter) => (entry.filter = filter),
            () => this.details.delete(entry.object.value),
          );
        }
        return;
      } catch (error) {
        if (error instanceof ServerFault && error.kind === 'NotAuthenticated') return;
        await new Promise((done) => setTimeout(done, 2000));
      }
    }
  }

  // What was known before the stream began again, and what of it has been told of since.
  private known = new Set<string>();
  private seen: Set<string> | undefined;

  private async ask(wait_s: number, most = MOST_UPDATES): Promise<Data> {
    const set = await call<Data>(
      this.collector!,
      'WaitForUpdatesEx',
      {
        version: this.version,
        options: { _typeName: 'WaitOptions', maxWaitSeconds: wait_s, maxObjectUpdates: most },
      },
      { signal: this.aborter.signal },
    );
    if (set) this.version = set.version;
    return set;
  }

  private async applyAll(set: Data) {
    let began = performance.now();
    for (const filter of set?.filterSet ?? []) {
      for (const update of filter.objectSet ?? []) {
        this.apply(update, filter.filter.value);
        if (performance.now() - began < SLICE_MS) continue;
        await new Promise((done) => setTimeout(done, 0));
        began = performance.now();
      }
    }
  }

  private apply(update: Update, filter: string) {
    const obj = ref(update.obj.type, update.obj.value);
    if (filter === this.taskFilter || obj.type === 'Task') {
      if (update.kind === 'leave') tasks.remove(obj);
      else for (const change of update.changeSet ?? []) tasks.apply(obj, unbox(change.val));
      return;
    }
    if (update.kind === 'leave') {
      if (this.removing.has(filter)) inventory.remove(obj);
      return;
    }
    // What other filters still tell of an object that is gone is of no interest.
    if (!this.removing.has(filter) && !inventory.get(obj.value)) return;
    this.seen?.add(obj.value);
    const changes: [string, Data][] = (update.changeSet ?? []).map((each) => [
      each.name,
      each.op === 'remove' || each.op === 'indirectRemove' ? undefined : unbox(each.val),
    ]);
    inventory.apply(obj, changes);
  }
}
