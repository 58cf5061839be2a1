import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react';
import type { MoRef } from '../api/client';
import { inventory, type Entity } from './inventory';
import { session } from './session';
import { tasks } from './tasks';

const STRUCTURE_PAUSE_MS = 250;

/** The entity, drawn again when it changes. */
export function useEntity(id: string | undefined): Entity | undefined {
  const subscribe = useCallback((told: () => void) => (id ? inventory.subscribe(id, told) : () => {}), [id]);
  return useSyncExternalStore(subscribe, () => inventory.get(id));
}

/**
 * Changes when something is added, removed, renamed or moved: at once, and then at most every
 * quarter of a second, because thousands come one after the other when a page opens.
 */
export function useStructure(): number {
  const [version, setVersion] = useState(inventory.structureVersion);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const told = () => {
      if (timer !== undefined) return;
      setVersion(inventory.structureVersion);
      timer = setTimeout(() => {
        timer = undefined;
        setVersion(inventory.structureVersion);
      }, STRUCTURE_PAUSE_MS);
    };
    told();
    const stop = inventory.subscribeStructure(told);
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, []);
  return version;
}

/** Changes with any change, at most every `pause_ms`: for lists and sums over many objects. */
export function useChanges(pause_ms = 1000): number {
  const [version, setVersion] = useState(inventory.version);
  const last = useRef(0);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = inventory.subscribeAll(() => {
      if (timer !== undefined) return;
      const due = Math.max(0, last.current + pause_ms - performance.now());
      timer = setTimeout(() => {
        timer = undefined;
        last.current = performance.now();
        setVersion(inventory.version);
      }, due);
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [pause_ms]);
  return version;
}

/** Watches everything of the open object, and returns it. */
export function useDetail(reference: MoRef | undefined): Entity | undefined {
  const id = reference?.value;
  const type = reference?.type;
  useEffect(() => {
    if (!id || !type) return;
    return session.stream?.watch({ _typeName: 'ManagedObjectReference', type, value: id });
  }, [id, type]);
  return useEntity(id);
}

export function useTasks() {
  return useSyncExternalStore(tasks.subscribe, tasks.snapshot);
}

export function useSession() {
  return useSyncExternalStore(session.subscribe, session.snapshot);
}

/** Loads something once for the given keys; `reload` asks again. */
export function useLoaded<T>(load: () => Promise<T>, keys: unknown[]) {
  const [state, setState] = useState<{ value?: T; error?: unknown; loading: boolean }>({ loading: true });
  const [turn, setTurn] = useState(0);
  // eslint-disable-next-line react-hooks/exhaustive-deps
  const stable = useMemo(() => load, keys);
  useEffect(() => {
    let current = true;
    setState((before) => ({ ...before, loading: true }));
    stable().then(
      (value) => current && setState({ value, loading: false }),
      (error) => current && setState({ error, loading: false }),
    );
    return () => {
      current = false;
    };
  }, [stable, turn]);
  return { ...state, reload: useCallback(() => setTurn((n) => n + 1), []) };
}

/** A choice that this browser remembers. */
export function useRemembered<T>(name: string, initial: T): [T, (value: T) => void] {
  const [value, setValue] = useState<T>(() => {
    try {
      const text = localStorage.getItem(`drover.${name}`);
      return text === null ? initial : (JSON.parse(text) as T);
    } catch {
      return initial;
    }
  });
  return [
    value,
    useCallback(
      (next: T) => {
        setValue(next);
        try {
          localStorage.setItem(`drover.${name}`, JSON.stringify(next));
        } catch {
          // A full or forbidden store: the choice lasts as long as the page.
        }
      },
      [name],
    ),
  ];
}
