// Recent tasks, newest first, as the stream tells them. Kept for this page's life, so that a task
// that the server has dropped from its list of recent ones is still to be read.
import { call, get, localizedWords, unbox, type Data, type MoRef } from '../api/client';

export interface TaskRow {
  id: string;
  ref: MoRef;
  info: Data;
}

const MOST = 200;

class Tasks {
  private rows = new Map<string, TaskRow>();
  private listeners = new Set<() => void>();
  private list: TaskRow[] = [];
  private waiting = new Map<string, { done: (result: Data) => void; failed: (error: Error) => void }[]>();
  private scheduled = false;

  snapshot = () => this.list;

  subscribe = (listener: () => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  apply(reference: MoRef, info: Data) {
    if (!info?.state) return;
    this.rows.set(reference.value, { id: reference.value, ref: reference, info });
    this.settle(reference.value, info);
    this.schedule();
  }

  remove(reference: MoRef) {
    const row = this.rows.get(reference.value);
    // Not among the recent ones any more, but somebody waits for its end.
    if (this.waiting.has(reference.value)) void this.ask(reference);
    else if (row && (row.info.state === 'running' || row.info.state === 'queued')) this.rows.delete(reference.value);
    this.schedule();
  }

  clear() {
    this.rows.clear();
    this.schedule();
  }

  /** The task's result, or an Error with the fault's plain words. */
  async finish(task: MoRef): Promise<Data> {
    const info = this.rows.get(task.value)?.info;
    if (info && (info.state === 'success' || info.state === 'error')) return outcome(info);
    return new Promise((done, failed) => {
      const list = this.waiting.get(task.value) ?? [];
      list.push({ done, failed });
      this.waiting.set(task.value, list);
    });
  }

  cancel(task: MoRef) {
    return call(task, 'CancelTask');
  }

  private async ask(reference: MoRef) {
    while (this.waiting.has(reference.value)) {
      try {
        this.apply(reference, await get(reference, 'info'));
      } catch (error) {
        for (const each of this.waiting.get(reference.value) ?? []) each.failed(error as Error);
        this.waiting.delete(reference.value);
      }
      await new Promise((done) => setTimeout(done, 1000));
    }
  }

  private settle(id: string, info: Data) {
    const list = this.waiting.get(id);
    if (!list || (info.state !== 'success' && info.state !== 'error')) return;
    this.waiting.delete(id);
    for (const each of list) outcome(info).then(each.done, each.failed);
  }

  private schedule() {
    if (this.scheduled) return;
    this.scheduled = true;
    setTimeout(() => {
      this.scheduled = false;
      this.list = [...this.rows.values()].sort((a, b) => queued(b) - queued(a)).slice(0, MOST);
      this.rows = new Map(this.list.map((row) => [row.id, row]));
      for (const listener of [...this.listeners]) listener();
    }, 50);
  }
}

export class TaskFailed extends Error {
  constructor(readonly info: Data) {
    super(localizedWords(info.error));
    this.name = 'TaskFailed';
  }
}

async function outcome(info: Data): Promise<Data> {
  if (info.state === 'error') throw new TaskFailed(info);
  return unbox(info.result);
}

function queued(row: TaskRow): number {
  return Date.parse(row.info.queueTime ?? 0);
}

export const tasks = new Tasks();
