// Who is logged in, to what, and the stream that goes with it.
import { call, get, ref, whenSessionIsLost, type Data, type MoRef } from '../api/client';
import { inventory } from './inventory';
import { UpdateStream, type StreamState } from './stream';
import { tasks } from './tasks';

export type Phase = 'asking' | 'out' | 'loading' | 'in';

export interface SessionState {
  phase: Phase;
  stream: StreamState;
  user: string;
  /** Why one has to log in (again). */
  notice: string;
  content: Data;
  /** By role id. */
  roles: Map<number, Data>;
}

const NOBODY: SessionState = {
  phase: 'asking', stream: 'starting', user: '', notice: '', content: undefined, roles: new Map(),
};

class Session {
  private state: SessionState = NOBODY;
  private listeners = new Set<() => void>();
  stream: UpdateStream | undefined;

  snapshot = () => this.state;

  subscribe = (listener: () => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  get content(): Data {
    return this.state.content;
  }

  /** True if this is a center, false if it is a host that stands alone. */
  get isCenter(): boolean {
    return this.state.content?.about?.apiType === 'VirtualCenter';
  }

  /** Finds out what is served here and whether the browser is still logged in. */
  async resume() {
    const content = await get<Data>(ref('ServiceInstance', 'ServiceInstance'), 'content');
    this.set({ content });
    let current: Data;
    try {
      current = await get<Data>(content.sessionManager, 'currentSession');
    } catch {
      current = undefined;
    }
    if (current?.userName) await this.enter(current.userName);
    else this.set({ phase: 'out' });
  }

  async login(userName: string, password: string) {
    const made = await call<Data>(this.content.sessionManager, 'Login', { userName, password });
    await this.enter(made.userName);
  }

  unreachable() {
    this.set({ notice: 'The server does not answer yet. Trying again.' });
  }

  async logout() {
    this.leave('');
    await call(this.content.sessionManager, 'Logout').catch(() => {});
  }

  async reloadRoles() {
    const list = await get<Data[]>(this.content.authorizationManager, 'roleList');
    this.set({ roles: new Map(list.map((role) => [role.roleId, role])) });
  }

  private async enter(user: string) {
    this.set({ phase: 'loading', user, notice: '' });
    const stream = new UpdateStream(this.content);
    stream.onState = (state) => this.set({ stream: state });
    this.stream = stream;
    // What a session that had not ended may read, nobody else may.
    whenSessionIsLost(() => {
      if (this.state.phase !== 'out') this.leave('Your session has ended. Log in again to go on.');
    });
    await Promise.all([stream.start(), this.reloadRoles()]);
    this.set({ phase: 'in', content: this.content });
  }

  private leave(notice: string) {
    this.stream?.stop();
    this.stream = undefined;
    inventory.clear();
    tasks.clear();
    this.set({ phase: 'out', user: '', notice });
  }

  private set(change: Partial<SessionState>) {
    this.state = { ...this.state, ...change };
    for (const listener of [...this.listeners]) listener();
  }
}

export const session = new Session();

/** A manager that ServiceContent names, or undefined where the server has none. */
export function manager(name: string): MoRef | undefined {
  return session.content?.[name];
}

addEventListener('pagehide', () => session.stream?.stop());
// A page that the browser kept and shows again has no stream any more.
addEventListener('pageshow', (event) => {
  if (event.persisted) location.reload();
});
