// A small picture of the machine's screen, anew every few seconds while one looks.
import { useEffect, useState } from 'react';
import { openConsole } from '../console/open';
import type { Entity } from '../store/inventory';
import { Icon } from '../ui/Icon';

const PAUSE_MS = 10_000;

export function Screenshot({ entity }: { entity: Entity }) {
  const isOn = entity.props['runtime.powerState'] === 'poweredOn';
  const [picture, setPicture] = useState('');
  useEffect(() => {
    if (!isOn) return setPicture('');
    let current = true;
    let shown = '';
    const load = async () => {
      if (document.hidden) return;
      try {
        const response = await fetch(`/screen?id=${encodeURIComponent(entity.id)}`);
        if (!response.ok || !current) return;
        const next = URL.createObjectURL(await response.blob());
        if (shown) URL.revokeObjectURL(shown);
        shown = next;
        setPicture(next);
      } catch {
        // No picture is better than a broken one.
      }
    };
    void load();
    const timer = setInterval(() => void load(), PAUSE_MS);
    return () => {
      current = false;
      clearInterval(timer);
      if (shown) URL.revokeObjectURL(shown);
    };
  }, [isOn, entity.id]);
  return (
    <button type="button" className="screenshot" disabled={!isOn} onClick={() => openConsole(entity)} aria-label={picture ? 'Open console' : undefined}>
      {picture ? <img src={picture} alt="" /> : <span><Icon name="console" />{isOn ? 'Open console' : 'Off'}</span>}
    </button>
  );
}
