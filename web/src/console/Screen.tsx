// A machine's screen by noVNC.
import { useCallback, useRef, useState } from 'react';
import type RFB from '@novnc/novnc';
import { nameOf, type Entity } from '../store/inventory';
import { Button } from '../ui/Button';
import { FormDialog, openDialog } from '../ui/dialogs';
import { Empty } from '../ui/Panel';
import { stateWords, useConnection } from './connection';
import type { ConsolePart } from './Console';

export default function Screen({ machine, parts }: ConsolePart) {
  const box = useRef<HTMLDivElement>(null);
  const rfb = useRef<RFB | undefined>(undefined);
  const { state, problem } = useConnection(machine, 'webmks', async (address, told) => {
    const { default: Rfb } = await import('@novnc/novnc');
    const made = new Rfb(box.current!, address, { wsProtocols: ['binary'] });
    made.scaleViewport = true;
    made.focusOnClick = true;
    made.addEventListener('connect', () => {
      told.connected();
      made.focus();
    });
    made.addEventListener('disconnect', () => {
      if (rfb.current === made) rfb.current = undefined;
      told.ended();
    });
    // What the guest copies is in the clipboard here, if the browser lets it.
    made.addEventListener('clipboard', (event) => void navigator.clipboard?.writeText(event.detail.text).catch(() => {}));
    rfb.current = made;
    return () => made.disconnect();
  });

  const screenshot = useCallback(() => {
    const canvas = box.current?.querySelector('canvas');
    canvas?.toBlob((blob) => blob && save(blob, `${nameOf(machine)}.png`));
  }, [machine]);

  const unready = state === 'connected' ? undefined : 'The console is not connected.';
  return (
    <div className="console">
      <div className="console-bar" role="toolbar" aria-label="Console">
        {parts}
        <span className={`status status-power-${state === 'connected' ? 'poweredOn' : 'poweredOff'}`} role="status">{stateWords(state, problem)}</span>
        <span className="spacer" />
        <Button reason={unready} onClick={() => !unready && rfb.current?.sendCtrlAltDel()}>Ctrl+Alt+Del</Button>
        <Button reason={unready} onClick={() => !unready && void paste((text) => typeText(rfb.current, text))}>Paste…</Button>
        <Button reason={unready} icon="download" onClick={() => !unready && screenshot()}>Screenshot</Button>
        <Button icon="console" onClick={() => void box.current?.requestFullscreen()}>Full screen</Button>
      </div>
      <div className="console-screen" ref={box} data-state={state} />
      {state === 'off' && <Off machine={machine} what="screen" />}
    </div>
  );
}

export function Off({ machine, what }: { machine: Entity; what: string }) {
  return <Empty title={`${nameOf(machine)} is off`}><p>Its {what} appears here when it is powered on.</p></Empty>;
}

export function save(blob: Blob, name: string) {
  const anchor = document.createElement('a');
  anchor.href = URL.createObjectURL(blob);
  anchor.download = name;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(anchor.href), 10_000);
}

/** Shows what the clipboard holds, if the browser tells, before it is typed. */
export async function paste(type: (text: string) => void) {
  const text = await (navigator.clipboard?.readText?.() ?? Promise.resolve('')).catch(() => '');
  openDialog((close) => <TypeText text={text} close={close} type={type} />);
}

function TypeText({ text: first, type, close }: { text: string; type: (text: string) => void; close: () => void }) {
  const [text, setText] = useState(first);
  return (
    <FormDialog title="Paste into the guest" description="Typed key by key as on a US keyboard, so it works without anything in the guest." submitLabel="Type"
      reason={text ? undefined : 'Nothing to type.'} close={close} submit={async () => type(text)}>
      <textarea className="input" rows={6} aria-label="Text" value={text} data-first="" onChange={(event) => setText(event.target.value)} />
    </FormDialog>
  );
}

// X11 keysyms: Latin-1 is itself, the rest is Unicode with a flag.
function typeText(rfb: RFB | undefined, text: string) {
  if (!rfb) return;
  for (const char of text.replace(/\r\n?/g, '\n')) {
    const code = char.codePointAt(0)!;
    const keysym = char === '\n' ? 0xff0d : char === '\t' ? 0xff09 : code < 0x100 ? code : 0x01000000 | code;
    rfb.sendKey(keysym, null);
  }
}
