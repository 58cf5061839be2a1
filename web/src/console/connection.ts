// A console's connection: a ticket, the WebSocket that it opens, and all over again when it breaks
// while the machine runs: after a migration, a restart of the server, a cut network.
import { useEffect, useRef, useState } from 'react';
import { call, wordsFor, type Data } from '../api/client';
import type { Entity } from '../store/inventory';

const RETRY_MS = 1500;

export type ConsoleState = 'off' | 'connecting' | 'connected' | 'waiting';

/** Opens the address and tells how it goes on; returns how to close it. */
export type Opener = (address: string, told: { connected: () => void; ended: () => void }) => Promise<() => void>;

export function useConnection(machine: Entity | undefined, ticketType: string | undefined, open: Opener) {
  const [state, setState] = useState<ConsoleState>('connecting');
  const [problem, setProblem] = useState('');
  const opener = useRef(open);
  opener.current = open;
  const isOn = machine?.props['runtime.powerState'] === 'poweredOn';
  const reference = machine?.ref;

  useEffect(() => {
    if (!isOn || !reference || !ticketType) return;
    let ended = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let close: (() => void) | undefined;
    const again = () => {
      if (ended) return;
      setState('waiting');
      timer = setTimeout(() => void connect(), RETRY_MS);
    };
    const connect = async () => {
      setState('connecting');
      try {
        const ticket = await call<Data>(reference, 'AcquireTicket', { ticketType });
        if (ended) return;
        const scheme = location.protocol === 'http:' ? 'ws' : 'wss';
        let over = false;
        const made = await opener.current(`${scheme}://${location.host}/ticket/${ticket.ticket}`, {
          connected: () => {
            setState('connected');
            setProblem('');
          },
          ended: () => {
            if (over) return;
            over = true;
            close = undefined;
            again();
          },
        });
        if (ended) made();
        else if (!over) close = made;
      } catch (error) {
        if (ended) return;
        setProblem(wordsFor(error));
        again();
      }
    };
    void connect();
    return () => {
      ended = true;
      clearTimeout(timer);
      close?.();
    };
    // The reference is the same object's for as long as the id is.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [isOn, reference?.value, ticketType]);

  return { state: isOn ? state : ('off' as const), problem };
}

export function stateWords(state: ConsoleState, problem: string): string {
  return { off: 'Off', connecting: 'Connecting…', connected: 'Connected', waiting: `Waiting to connect again. ${problem}` }[state];
}
