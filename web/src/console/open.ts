import { nameOf, type Entity } from '../store/inventory';
import { link } from '../store/route';

/** In a window of its own; in this one if the browser refuses. */
export function openConsole(machine: Entity) {
  const hash = link(['console', machine.id]);
  const opened = window.open(`${location.pathname}${hash}`, `console-${machine.id}`, 'width=1060,height=860');
  if (!opened) location.hash = hash;
  else opened.document.title = nameOf(machine);
}
