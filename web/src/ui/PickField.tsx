// Chooses several of many objects: those chosen stand first, the rest is found by typing.
import { useId, useMemo, useState } from 'react';
import { nameOf, type Entity } from '../store/inventory';

/** More are found by typing: nobody reads a longer list. */
const MOST_SHOWN = 60;

export function PickField({ label, entities, chosen, onChange, hint, about }: {
  label: string;
  entities: Entity[];
  /** Ids. Those of objects that are not among the entities stay chosen. */
  chosen: string[];
  onChange: (chosen: string[]) => void;
  hint?: string;
  /** What is said beside a name. */
  about?: (entity: Entity) => string;
}) {
  const id = useId();
  const [text, setText] = useState('');
  // Those chosen when the dialog opened stand first; the list does not jump when more are.
  const [first] = useState(() => new Set(chosen));
  const sorted = useMemo(
    () => [...entities].sort((a, b) => Number(first.has(b.id)) - Number(first.has(a.id)) || (a.sortName < b.sortName ? -1 : 1)),
    [entities, first],
  );
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const found = sorted.filter((each) => {
    const searched = `${nameOf(each)} ${about?.(each) ?? ''}`.toLowerCase();
    return words.every((word) => searched.includes(word));
  });
  const toggle = (entity: Entity) => onChange(chosen.includes(entity.id) ? chosen.filter((each) => each !== entity.id) : [...chosen, entity.id]);
  return (
    <div className="field" role="group" aria-labelledby={id}>
      <span id={id} className="field-label">{label}</span>
      <div className="field-input">
        {entities.length > 8 && <input className="input" type="search" value={text} placeholder="Filter" aria-label={`Filter ${label.toLowerCase()}`} onChange={(event) => setText(event.target.value)} />}
        <div className="pick">
          {found.slice(0, MOST_SHOWN).map((each) => (
            <label key={each.id}>
              <input type="checkbox" aria-label={nameOf(each)} checked={chosen.includes(each.id)} onChange={() => toggle(each)} />
              <span>{nameOf(each)}{about && <small> {about(each)}</small>}</span>
            </label>
          ))}
          {found.length === 0 && <p className="dim">{entities.length === 0 ? 'There are none here.' : 'Nothing matches.'}</p>}
        </div>
        <small>{chosen.length} chosen{found.length > MOST_SHOWN && `; ${found.length - MOST_SHOWN} more are found by typing`}{hint && `. ${hint}`}</small>
      </div>
    </div>
  );
}
