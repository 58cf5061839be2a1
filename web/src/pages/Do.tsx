import { actionsFor, perform, reasonFor } from '../actions/registry';
import type { Entity } from '../store/inventory';
import { Button } from '../ui/Button';

/** An action of the registry as a button of a panel. Nothing, where the object has no such action. */
export function Do({ entity, id }: { entity: Entity; id: string }) {
  const action = actionsFor([entity]).find((each) => each.id === id);
  if (!action) return null;
  const reason = reasonFor(action, [entity]);
  return <Button icon={action.icon} reason={reason} onClick={() => reason === undefined && void perform(action, [entity])}>{action.label}</Button>;
}
