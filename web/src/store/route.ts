// Where one is, as the address's hash: #/vm/vm-12/monitor?range=day. Every page can be linked to.
import { useSyncExternalStore } from 'react';

export interface Route {
  path: string[];
  query: URLSearchParams;
}

function parse(hash: string): Route {
  const text = hash.replace(/^#\/?/, '');
  const mark = text.indexOf('?');
  const path = (mark < 0 ? text : text.slice(0, mark)).split('/').filter(Boolean);
  return { path: path.map(safeDecode), query: new URLSearchParams(mark < 0 ? '' : text.slice(mark)) };
}

function safeDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

let current = parse(location.hash);
const listeners = new Set<() => void>();
addEventListener('hashchange', () => {
  current = parse(location.hash);
  for (const listener of [...listeners]) listener();
});

export function useRoute(): Route {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => current,
  );
}

export function currentRoute(): Route {
  return current;
}

export function link(path: string[], query: Record<string, string | undefined> = {}): string {
  const entries = Object.entries(query).filter((each): each is [string, string] => Boolean(each[1]));
  const text = entries.length > 0 ? `?${new URLSearchParams(entries)}` : '';
  return `#/${path.map(encodeURIComponent).join('/')}${text}`;
}

export function go(hash: string, replace = false) {
  if (hash === location.hash) return;
  if (replace) {
    history.replaceState(null, '', hash);
    dispatchEvent(new HashChangeEvent('hashchange'));
  } else {
    location.hash = hash;
  }
}
