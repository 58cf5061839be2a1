// VI/JSON: one function to call a method, one to read a property. The session is the server's
// cookie (HttpOnly, Secure, SameSite=Strict): no script ever sees it.

export interface MoRef {
  _typeName?: 'ManagedObjectReference';
  type: string;
  value: string;
}

// Data objects as the wire has them. The schema of each is in api/schema; what a page reads of
// them may be absent, so it is read with `?.`.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Data = any;

const RELEASE = '8.0.3.0';

/** What the server said no with. `message` is its own words; `kind` the fault's type name. */
export class ServerFault extends Error {
  constructor(
    readonly kind: string,
    message: string,
    readonly detail: Data = {},
  ) {
    super(message);
    this.name = 'ServerFault';
  }
}

/** The network failed, or the server gave no answer that can be read. */
export class Unreachable extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'Unreachable';
  }
}

export function ref(type: string, value: string): MoRef {
  return { _typeName: 'ManagedObjectReference', type, value };
}

let onSessionLost = () => {};
export function whenSessionIsLost(callback: () => void) {
  onSessionLost = callback;
}

function address(self: MoRef, member: string) {
  const path = [RELEASE, self.type, self.value, member].map(encodeURIComponent).join('/');
  return `/sdk/vim25/${path}`;
}

async function send(path: string, init: RequestInit): Promise<Data> {
  let response: Response;
  try {
    response = await fetch(path, { credentials: 'same-origin', ...init });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new Unreachable('The server does not answer. It may be restarting, or the network is cut.');
  }
  if (response.status === 204) return undefined;
  let value: Data;
  try {
    value = await response.json();
  } catch {
    throw new Unreachable(`The server answered with ${response.status} ${response.statusText}.`);
  }
  if (response.ok) return value;
  const fault = toFault(value);
  if (fault.kind === 'NotAuthenticated') onSessionLost();
  throw fault;
}

function toFault(value: Data): ServerFault {
  const kind = value?._typeName ?? 'RuntimeFault';
  return new ServerFault(kind, value?.faultstring || kind, value);
}

export function call<T = Data>(
  self: MoRef,
  method: string,
  parameters: Record<string, unknown> = {},
  options: { signal?: AbortSignal; keepalive?: boolean } = {},
): Promise<T> {
  return send(address(self, method), {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(parameters),
    ...options,
  });
}

export async function get<T = Data>(self: MoRef, property: string): Promise<T> {
  return unbox(await send(address(self, property), { method: 'GET' }));
}

/** Takes the box off an anyType value: {"_typeName":"string","_value":"x"} is "x". */
export function unbox(value: Data): Data {
  return value !== null && typeof value === 'object' && '_value' in value ? value._value : value;
}

/** Plain words for whatever was thrown. */
export function wordsFor(error: unknown): string {
  if (error instanceof ServerFault) return faultWords(error.message, error.detail);
  return error instanceof Error ? error.message : String(error);
}

/** Plain words for a LocalizedMethodFault, as a task's error or a checker's reason. */
export function localizedWords(fault: Data): string {
  if (!fault) return 'It failed without saying why.';
  return faultWords(fault.localizedMessage ?? fault.fault?._typeName ?? 'It failed.', fault.fault);
}

function faultWords(message: string, detail: Data): string {
  const more = (detail?.faultMessage ?? [])
    .map((each: Data) => each.message)
    .filter((text: string) => text && !message.includes(text));
  return [message, ...more].join(' ');
}
