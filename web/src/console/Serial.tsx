// A machine's serial port by xterm.js. A serial line knows no size: full-screen programs in the
// guest need `stty rows R cols C` of the size that is shown.
import { useEffect, useRef, useState } from 'react';
import { FitAddon } from '@xterm/addon-fit';
import { Terminal } from '@xterm/xterm';
import '@xterm/xterm/css/xterm.css';
import { nameOf } from '../store/inventory';
import { Button } from '../ui/Button';
import { tell } from '../ui/dialogs';
import { stateWords, useConnection } from './connection';
import type { ConsolePart } from './Console';
import { Off, paste, save } from './Screen';
import { withStyleSheets } from './sheets';

const LINES_KEPT = 10_000;

export default function Serial({ machine, parts, port }: ConsolePart & { port: number }) {
  const box = useRef<HTMLDivElement>(null);
  const terminal = useRef<Terminal | undefined>(undefined);
  const send = useRef<(text: string) => void>(() => {});
  const [size, setSize] = useState('');
  const [chosen, setChosen] = useState(false);

  useEffect(() => {
    const made = new Terminal({
      scrollback: LINES_KEPT, fontSize: 13, fontFamily: getComputedStyle(document.documentElement).getPropertyValue('--mono'), cursorBlink: true,
      screenReaderMode: true, theme: { background: '#0c1016', foreground: '#d6dde6' }, macOptionIsMeta: true,
    });
    const fit = new FitAddon();
    made.loadAddon(fit);
    withStyleSheets(() => made.open(box.current!));
    made.onData((text) => send.current(text));
    made.onSelectionChange(() => setChosen(made.hasSelection()));
    made.onResize(({ cols, rows }) => setSize(`${cols} × ${rows}`));
    made.attachCustomKeyEventHandler((event) => {
      if (event.type !== 'keydown' || !event.ctrlKey || !event.shiftKey || event.code !== 'KeyC') return true;
      copy(made);
      event.preventDefault();
      return false;
    });
    terminal.current = made;
    const sizes = new ResizeObserver(() => {
      if (box.current!.clientHeight > 0) fit.fit();
    });
    sizes.observe(box.current!);
    return () => {
      sizes.disconnect();
      made.dispose();
      terminal.current = undefined;
    };
  }, []);

  const { state, problem } = useConnection(machine, `serial${port}`, async (address, told) => {
    const socket = new WebSocket(address, ['binary']);
    socket.binaryType = 'arraybuffer';
    const encoder = new TextEncoder();
    socket.onopen = () => {
      send.current = (text) => socket.readyState === WebSocket.OPEN && socket.send(encoder.encode(text));
      told.connected();
      terminal.current?.focus();
    };
    socket.onmessage = (event) => terminal.current?.write(new Uint8Array(event.data as ArrayBuffer));
    socket.onclose = () => {
      send.current = () => {};
      told.ended();
    };
    return () => socket.close();
  });

  const unready = state === 'connected' ? undefined : 'The serial port is not connected.';
  return (
    <div className="console">
      <div className="console-bar" role="toolbar" aria-label="Console">
        {parts}
        <span className={`status status-power-${state === 'connected' ? 'poweredOn' : 'poweredOff'}`} role="status">{stateWords(state, problem)}</span>
        {state === 'connected' && size && <span className="dim">{size}</span>}
        <span className="spacer" />
        <Button reason={chosen ? undefined : 'Nothing is selected.'} onClick={() => chosen && copy(terminal.current)}>Copy</Button>
        <Button reason={unready} onClick={() => !unready && void paste((text) => send.current(text.replace(/\r?\n/g, '\r')))}>Paste…</Button>
        <Button icon="download" onClick={() => save(new Blob([textOf(terminal.current)], { type: 'text/plain' }), `${nameOf(machine)}-serial.txt`)}>Save text</Button>
        <Button icon="reset" onClick={() => terminal.current?.reset()}>Clear</Button>
      </div>
      <div className="console-screen console-serial" ref={box} data-state={state} />
      {state === 'off' && <Off machine={machine} what="serial port" />}
    </div>
  );
}

function copy(terminal: Terminal | undefined) {
  const text = terminal?.getSelection();
  if (text) navigator.clipboard.writeText(text).catch((error) => tell('The text was not copied', error));
}

function textOf(terminal: Terminal | undefined): string {
  if (!terminal) return '';
  const { active } = terminal.buffer;
  return Array.from({ length: active.length }, (_, line) => active.getLine(line)?.translateToString(true) ?? '').join('\n').trimEnd() + '\n';
}
