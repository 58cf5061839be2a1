// A menu at a point or below its button: arrow keys, Home, End, type a letter, Esc. Entries that
// can't be chosen stay readable and say why.
import { useEffect, useLayoutEffect, useRef, useState, type ReactNode } from 'react';
import { createPortal } from 'react-dom';
import { Icon, type IconName } from './Icon';

export interface MenuEntry {
  id: string;
  label: string;
  icon?: IconName;
  hint?: string;
  /** Why it can't be chosen now. */
  reason?: string;
  danger?: boolean;
  checked?: boolean;
  run: () => void;
}

export type MenuItems = (MenuEntry | 'line')[];

export interface MenuPlace {
  x: number;
  y: number;
}

export function Menu({ items, place, label, close }: { items: MenuItems; place: MenuPlace; label: string; close: () => void }) {
  const box = useRef<HTMLDivElement>(null);
  const [at, setAt] = useState(place);
  useLayoutEffect(() => {
    const size = box.current!.getBoundingClientRect();
    setAt({
      x: Math.max(4, Math.min(place.x, innerWidth - size.width - 4)),
      y: place.y + size.height > innerHeight - 4 ? Math.max(4, innerHeight - size.height - 4) : place.y,
    });
  }, [place]);
  useEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    box.current?.querySelector<HTMLElement>('[role^=menuitem]')?.focus();
    const outside = (event: MouseEvent) => {
      if (!box.current?.contains(event.target as Node)) close();
    };
    document.addEventListener('mousedown', outside, true);
    addEventListener('blur', close);
    return () => {
      document.removeEventListener('mousedown', outside, true);
      removeEventListener('blur', close);
      if (before?.isConnected) before.focus({ preventScroll: true });
    };
  }, [close]);

  const keyDown = (event: React.KeyboardEvent) => {
    const all = [...box.current!.querySelectorAll<HTMLElement>('[role^=menuitem]')];
    const index = all.indexOf(document.activeElement as HTMLElement);
    const focus = (next: number) => all[(next + all.length) % all.length]?.focus();
    if (event.key === 'ArrowDown') focus(index + 1);
    else if (event.key === 'ArrowUp') focus(index - 1);
    else if (event.key === 'Home') focus(0);
    else if (event.key === 'End') focus(all.length - 1);
    else if (event.key === 'Escape' || event.key === 'Tab') close();
    else if (event.key.length === 1) {
      const order = [...all.slice(index + 1), ...all.slice(0, index + 1)];
      order.find((each) => each.textContent?.trim().toLowerCase().startsWith(event.key.toLowerCase()))?.focus();
      return;
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };

  return createPortal(
    <div ref={box} className="menu" role="menu" aria-label={label} style={{ left: at.x, top: at.y }} onKeyDown={keyDown}
      onContextMenu={(event) => event.preventDefault()}>
      {items.map((item, index) =>
        item === 'line' ? (
          <div key={`line-${index}`} className="menu-line" role="separator" />
        ) : (
          <button key={item.id} type="button" role={item.checked === undefined ? 'menuitem' : 'menuitemcheckbox'}
            aria-checked={item.checked} data-action={item.id} aria-disabled={item.reason ? true : undefined}
            className={`menu-item${item.danger ? ' danger' : ''}`}
            onClick={() => {
              if (item.reason) return;
              close();
              item.run();
            }}>
            <span className="menu-icon">{item.checked ? <Icon name="check" /> : item.icon ? <Icon name={item.icon} /> : null}</span>
            <span className="menu-label">
              {item.label}
              {item.reason && <small>{item.reason}</small>}
            </span>
            {item.hint && <kbd>{item.hint}</kbd>}
          </button>
        ),
      )}
    </div>,
    document.body,
  );
}

/** A button that opens a menu below itself. */
export function MenuButton({ items, label, children, className = '' }: {
  items: () => MenuItems; label: string; children?: ReactNode; className?: string;
}) {
  const button = useRef<HTMLButtonElement>(null);
  const [open, setOpen] = useState<{ place: MenuPlace; items: MenuItems } | undefined>();
  return (
    <>
      <button ref={button} type="button" className={`btn ${className}`} aria-haspopup="menu" aria-expanded={open !== undefined}
        aria-label={children ? undefined : label}
        onClick={() => {
          const area = button.current!.getBoundingClientRect();
          setOpen(open ? undefined : { place: { x: area.left, y: area.bottom + 2 }, items: items() });
        }}>
        {children ?? <Icon name="more" />}
      </button>
      {open && <Menu items={open.items} place={open.place} label={label} close={() => setOpen(undefined)} />}
    </>
  );
}
