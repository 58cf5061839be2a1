// Everything that can be done with objects, once: menus, bulk buttons and shortcuts are made of
// this list. An action that can't be done now stays visible and says why.
import { kindOf } from '../store/kinds';
import { nameOf, type Entity } from '../store/inventory';
import { session } from '../store/session';
import type { IconName } from '../ui/Icon';
import type { MenuItems } from '../ui/Menu';
import { tell } from '../ui/dialogs';
import { fileActions } from './datastores';
import { hostActions } from './hosts';
import { machineActions } from './machines';
import { placeActions } from './places';

export interface Action {
  id: string;
  label: string;
  icon?: IconName;
  /** Types that it applies to. */
  kinds: string[];
  /** Stands with others of the same number between two lines. */
  group: number;
  /** May be done to several at once. */
  bulk?: boolean;
  danger?: boolean;
  /** What the caller must hold on each object. */
  privilege?: string;
  /** Not shown at all where this says no. */
  visible?: (entity: Entity) => boolean;
  /** Why it can't be done to this object in its present state. */
  reason?: (entity: Entity) => string | undefined;
  run: (entities: Entity[]) => void | Promise<unknown>;
}

const ACTIONS: Action[] = [...machineActions, ...hostActions, ...placeActions, ...fileActions];

/** The privileges of the caller on an object, or undefined as long as they are not known. */
export function holds(entity: Entity, privilege: string): boolean {
  const roles = entity.props.effectiveRole as number[] | undefined;
  if (!roles || session.snapshot().roles.size === 0) return true;
  return roles.some((id) => session.snapshot().roles.get(id)?.privilege?.includes(privilege));
}

export function lacking(entity: Entity, privilege: string | undefined): string | undefined {
  return privilege && !holds(entity, privilege) ? `You need the privilege ${privilege} on ${nameOf(entity)}.` : undefined;
}

/** Why an action can't be done, or undefined if it can be for at least one of the objects. */
export function reasonFor(action: Action, entities: Entity[]): string | undefined {
  if (entities.length > 1 && !action.bulk) return 'This is done to one object at a time.';
  let first: string | undefined;
  for (const entity of entities) {
    const why = lacking(entity, action.privilege) ?? action.reason?.(entity);
    if (why === undefined) return undefined;
    first ??= why;
  }
  return entities.length > 1 ? `None of them can: ${first}` : first;
}

export function actionsFor(entities: Entity[]): Action[] {
  const first = entities[0];
  if (!first || entities.some((each) => each.type !== first.type)) return [];
  return ACTIONS.filter(
    (action) => action.kinds.includes(first.type) && entities.every((each) => action.visible?.(each) ?? true),
  );
}

/** Does it to those that it can be done to. */
export async function perform(action: Action, entities: Entity[]) {
  const able = entities.filter((each) => (lacking(each, action.privilege) ?? action.reason?.(each)) === undefined);
  if (able.length === 0) return;
  try {
    await action.run(able);
  } catch (error) {
    tell(`${action.label}: this did not work`, error);
  }
}

export function actionItems(entities: Entity[]): MenuItems {
  const items: MenuItems = [];
  let group: number | undefined;
  for (const action of actionsFor(entities).sort((a, b) => a.group - b.group)) {
    if (group !== undefined && action.group !== group) items.push('line');
    group = action.group;
    items.push({
      id: action.id,
      label: action.label,
      icon: action.icon,
      danger: action.danger,
      reason: reasonFor(action, entities),
      run: () => void perform(action, entities),
    });
  }
  if (items.length === 0) {
    const kind = entities[0] ? kindOf(entities[0].type).one : 'object';
    items.push({ id: 'none', label: 'No actions', reason: `Nothing can be done to a ${kind} here.`, run: () => {} });
  }
  return items;
}
