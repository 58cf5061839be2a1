// Finds anything by name, address or UUID as one types. Opens with "/" or Ctrl+K.
import { useDeferredValue, useEffect, useMemo, useRef, useState } from 'react';
import { inventory, nameOf, type Entity } from '../store/inventory';
import { ancestorsOf, iconOf, kindOf, KINDS, linkTo, markOf, titleOf } from '../store/kinds';
import { go, link } from '../store/route';
import { Icon } from '../ui/Icon';

const MOST = 12;

function find(text: string): Entity[] {
  const wanted = text.trim().toLowerCase();
  if (!wanted) return [];
  const good: Entity[] = [];
  const fair: Entity[] = [];
  for (const type of Object.keys(KINDS)) {
    if (type === 'ComputeResource') continue;
    for (const entity of inventory.all(type)) {
      const name = nameOf(entity).toLowerCase();
      if (name.startsWith(wanted)) good.push(entity);
      else if (name.includes(wanted) || entity.id === wanted || String(entity.props['guest.ipAddress'] ?? '').startsWith(wanted) || String(entity.props['guest.hostName'] ?? '').toLowerCase().startsWith(wanted)) fair.push(entity);
      if (good.length >= MOST) return good;
    }
  }
  return [...good, ...fair].slice(0, MOST);
}

export function Search() {
  const [text, setText] = useState('');
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState(0);
  const input = useRef<HTMLInputElement>(null);
  const deferred = useDeferredValue(text);
  const found = useMemo(() => find(deferred), [deferred]);
  useEffect(() => {
    const keyDown = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      const typing = /^(INPUT|TEXTAREA|SELECT|CANVAS)$/.test(target.tagName);
      if ((event.key === 'k' && (event.ctrlKey || event.metaKey)) || (event.key === '/' && !typing)) {
        event.preventDefault();
        input.current?.focus();
        input.current?.select();
      }
    };
    addEventListener('keydown', keyDown);
    return () => removeEventListener('keydown', keyDown);
  }, []);
  const choose = (entity: Entity | undefined) => {
    if (entity) go(linkTo(entity));
    else if (text.trim()) go(link(['list', 'vm'], { q: text.trim() }));
    setOpen(false);
    setText('');
    input.current?.blur();
  };
  return (
    <div className="search global-search" role="search">
      <Icon name="search" />
      <input ref={input} className="input" type="search" role="combobox" aria-expanded={open && found.length > 0} aria-controls="search-results" aria-autocomplete="list"
        aria-label="Search the inventory" aria-activedescendant={open && found[at] ? `found-${found[at].id}` : undefined} placeholder="Search   ( / )" value={text} spellCheck={false}
        onChange={(event) => {
          setText(event.target.value);
          setAt(0);
          setOpen(true);
        }}
        onFocus={() => setOpen(true)} onBlur={() => setTimeout(() => setOpen(false), 150)}
        onKeyDown={(event) => {
          if (event.key === 'ArrowDown') setAt(Math.min(at + 1, found.length - 1));
          else if (event.key === 'ArrowUp') setAt(Math.max(at - 1, 0));
          else if (event.key === 'Enter') choose(found[at]);
          else if (event.key === 'Escape') {
            setText('');
            input.current?.blur();
          } else return;
          event.preventDefault();
        }} />
      {open && text && (
        <div className="search-results" id="search-results" role="listbox" aria-label="Found">
          {found.map((entity, index) => (
            <div key={entity.id} id={`found-${entity.id}`} role="option" aria-selected={index === at} className={index === at ? 'current' : ''} onMouseDown={() => choose(entity)}>
              <Icon name={iconOf(entity)} mark={markOf(entity)} />
              <span>{titleOf(entity)}</span>
              <small>{kindOf(entity.type).one} · {ancestorsOf(entity).map(titleOf).slice(-2).join(' / ')}</small>
            </div>
          ))}
          {found.length === 0 && <p className="dim">Nothing is called that. Enter looks in all columns of all machines.</p>}
        </div>
      )}
    </div>
  );
}
